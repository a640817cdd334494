"""What stands where a number was erased, and how a number is known again in what people wrote."""

import re

NOBODY = 0  # in place of the digits: no phone has them, and nothing is ever handed over to it
TELLING = 8  # last digits by which it is known, with or without its country code
BETWEEN = r"[ .()/'+-]{0,3}"  # digits, as people write them


def spelled(phone: int) -> "re.Pattern[str]":
    """The number in whatever format; another one with the same last digits is taken for it."""
    return re.compile(BETWEEN.join(str(phone)[-TELLING:]) + r"(?![0-9])")
