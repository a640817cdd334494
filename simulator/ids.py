"""How the SMSC calls a message: one number in many spellings, each of them one by one and in bulk."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from smpp import bulk
from smpp.bulk import Octets

Numbers = NDArray[np.int64]

LARGEST = 2**62  # that is spelled in bulk
_ODD = 0x9E3779B97F4A7C15F39CC0605CEDC835  # spreads the numbers over all digits, and back to one number only
_HIGH, _LOW = (np.uint64(half) for half in divmod(_ODD, 2**64))


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    one: Callable[[int], bytes]
    many: Callable[[Numbers, int], Octets]
    """Numbers that are spelled equally long, and how long that is; one a row."""
    base: int

    def spell(self, numbers: Numbers) -> Octets:
        """All of them as long as the first."""
        return self.many(numbers, len(self.one(int(numbers[0]))))

    def equally_long(self, numbers: Numbers) -> Iterator[slice]:
        """Where rising numbers stand that are spelled equally long."""
        begin = 0
        while begin < len(numbers):
            first, last = int(numbers[begin]), int(numbers[-1])
            end, width = len(numbers), len(self.one(first))
            if width != len(self.one(last)):
                end = int(np.searchsorted(numbers, self.base**width))
            yield slice(begin, end)
            begin = end


def _uuid(number: int) -> bytes:
    return str(UUID(int=number * _ODD % 2**128)).encode()


def _uuids(numbers: Numbers, _: int) -> Octets:
    written = np.full((len(numbers), 36), ord("-"), np.uint8)
    high, low = _spread(numbers.astype(np.uint64))
    digits = np.hstack((bulk.hexadecimal(high, 16), bulk.hexadecimal(low, 16)))
    for begin, end, dashes in ((0, 8, 0), (8, 12, 1), (12, 16, 2), (16, 20, 3), (20, 32, 4)):
        written[:, begin + dashes : end + dashes] = digits[:, begin:end]
    return written


def _spread(numbers: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """The upper and the lower half of number × _ODD, which has 128 bits; in halves of 32 bits, whose products fit."""
    half, rest = np.uint64(32), np.uint64(0xFFFFFFFF)
    upper, lower = numbers >> half, numbers & rest
    odd_upper, odd_lower = _LOW >> half, _LOW & rest
    first, second = lower * odd_upper, upper * odd_lower
    carried = ((lower * odd_lower) >> half) + (first & rest) + (second & rest)
    over = upper * odd_upper + (first >> half) + (second >> half) + (carried >> half)
    return over + numbers * _HIGH, numbers * _LOW


def _upper(numbers: Numbers, width: int) -> Octets:
    written = bulk.hexadecimal(numbers, width)
    return np.where(written >= ord("a"), written - np.uint8(32), written)


FORMS: dict[str, Form] = {
    "dec": Form(one=lambda number: b"%d" % number, many=bulk.digits, base=10),
    "hex": Form(one=lambda number: b"%x" % number, many=bulk.hexadecimal, base=16),
    "HEX": Form(one=lambda number: b"%X" % number, many=_upper, base=16),
    "hex0": Form(one=lambda number: b"%08x" % number, many=bulk.hexadecimal, base=16),
    "dec10": Form(one=lambda number: b"%010d" % number, many=bulk.digits, base=10),
    "uuid": Form(one=_uuid, many=_uuids, base=16),
}
