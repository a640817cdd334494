"""A few recipients to look at, masked: whether they are the right people's numbers, without showing whose."""

from dataclasses import dataclass

import numpy as np

from recipients.listing import listing_of
from recipients.masking import masked
from recipients.models import RecipientList

SIZE = 10


@dataclass(frozen=True, slots=True)
class Row:
    """A recipient with what the other columns of the list say."""

    number: str
    cells: tuple[str, ...]


def sample(listed: RecipientList, *, size: int = SIZE) -> list[str]:
    """Numbers from all over the list's first chunk, like +3161•••4567; the same ones each time. Empty unless ready."""
    if not listed.digest:
        return []
    digits = listing_of(listed).pieces[0].read()
    places = np.unique(np.linspace(0, len(digits) - 1, size, dtype=np.intp))
    return [masked(int(number)) for number in digits[places]]


def first_rows(listed: RecipientList, *, size: int) -> list[Row]:
    """The first recipients of the list; none unless it is ready. Raises ChunkDamaged, and OSError when the store does
    not answer."""
    if not listed.digest:
        return []
    chunk = listing_of(listed).pieces[0].open()
    cells = chunk.others(len(listed.columns))
    return [Row(masked(int(digits)), cells[at]) for at, digits in enumerate(chunk.phones[:size])]
