"""Why a value of a file is not a recipient: a fixed set."""

from enum import IntEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Reason(IntEnum):
    """0 in an array of reasons means that the value is a number that can get messages."""

    EMPTY = 1
    LETTERS = 2
    SCIENTIFIC = 3
    NOT_A_NUMBER = 4
    TOO_SHORT = 5
    TOO_LONG = 6
    WRONG_LENGTH = 7
    UNKNOWN_COUNTRY_CODE = 8
    NOT_MOBILE = 9

    @property
    def sentence(self) -> str:
        return str(SENTENCES[self])


SENTENCES: dict[int, str | Promise] = {
    Reason.EMPTY: _("There is no number."),
    Reason.LETTERS: _("There are letters in it."),
    Reason.SCIENTIFIC: _("A spreadsheet has rounded it: format the column as text and export it again."),
    Reason.NOT_A_NUMBER: _("There are characters in it that no phone number has."),
    Reason.TOO_SHORT: _("It has too few digits."),
    Reason.TOO_LONG: _("It has too many digits."),
    Reason.WRONG_LENGTH: _("No number of this country has this many digits."),
    Reason.UNKNOWN_COUNTRY_CODE: _("It begins with no known country code."),
    Reason.NOT_MOBILE: _("It is not in a mobile range: a landline, a service or a paid number."),
}
