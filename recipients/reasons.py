"""Why a value of a file is not a recipient: a fixed set."""

from enum import IntEnum


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
        return SENTENCES[self]


SENTENCES: dict[int, str] = {
    Reason.EMPTY: "There is no number.",
    Reason.LETTERS: "There are letters in it.",
    Reason.SCIENTIFIC: "A spreadsheet has rounded it: format the column as text and export it again.",
    Reason.NOT_A_NUMBER: "There are characters in it that no phone number has.",
    Reason.TOO_SHORT: "It has too few digits.",
    Reason.TOO_LONG: "It has too many digits.",
    Reason.WRONG_LENGTH: "No number of this country has this many digits.",
    Reason.UNKNOWN_COUNTRY_CODE: "It begins with no known country code.",
    Reason.NOT_MOBILE: "It is not in a mobile range: a landline, a service or a paid number.",
}
