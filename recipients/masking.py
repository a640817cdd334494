"""A number as it may be shown to whoever need not know it."""


def masked(digits: int) -> str:
    text = str(digits)
    return f"+{text[:4]}•••{text[-4:]}"
