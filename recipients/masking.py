"""A number as it may be shown to whoever need not know it."""

from recipients.erased import NOBODY


def masked(digits: int) -> str:
    text = str(digits)
    return f"+{text[:4]}•••{text[-4:]}" if digits > NOBODY else "•••"


def whole(digits: int) -> str:
    """Empty where it was erased."""
    return f"+{digits}" if digits > NOBODY else ""
