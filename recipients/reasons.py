"""Why a value of a file is not a recipient: a fixed set."""

from enum import IntEnum

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from audit.wording import stored


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
        return gettext(SENTENCES[self])


# In English, as the list of the rejected lines has them.
SENTENCES: dict[int, str] = {
    Reason.EMPTY: stored(_("There is no number.")),
    Reason.LETTERS: stored(_("There are letters in it.")),
    Reason.SCIENTIFIC: stored(_("A spreadsheet has rounded it: format the column as text and export it again.")),
    Reason.NOT_A_NUMBER: stored(_("There are characters in it that no phone number has.")),
    Reason.TOO_SHORT: stored(_("It has too few digits.")),
    Reason.TOO_LONG: stored(_("It has too many digits.")),
    Reason.WRONG_LENGTH: stored(_("No number of this country has this many digits.")),
    Reason.UNKNOWN_COUNTRY_CODE: stored(_("It begins with no known country code.")),
    Reason.NOT_MOBILE: stored(_("It is not in a mobile range: a landline, a service or a paid number.")),
}
