"""Values as PostgreSQL's text, made in bulk: the driver would go element by element."""

from collections.abc import Iterable


def array(values: Iterable[int]) -> str:
    """An array of integers, as a parameter to be cast."""
    return f"{{{','.join(map(str, values))}}}"


def copied(text: str) -> str:
    """A value of COPY's text format."""
    if text.isalnum():
        return text
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r").replace("\0", "")
