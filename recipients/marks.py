"""A number that was erased and must stay known: a mark made of it with ERASURE_KEY, by SipHash-2-4 (docs/adr/0067).

Marks stand among suppressed numbers, where no number can be: from FIRST on. Whoever has not got the key learns nothing
from one; whoever has it makes ten million in two seconds.
"""

import hashlib
import hmac
from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

FIRST = 1 << 62
AT_ONCE = 1 << 14  # numbers whose states stay in the processor's cache

Numbers = NDArray[np.uint64]


def of(phones: Numbers) -> Numbers:
    """A row for each key, today's first: the marks of these numbers, in their order."""
    phones = phones.astype(np.uint64, copy=False)
    found = np.empty((len(_keys()), len(phones)), dtype=np.uint64)
    for key, row in zip(_keys(), found, strict=True):
        for at in range(0, len(phones), AT_ONCE):
            row[at : at + AT_ONCE] = _siphash(phones[at : at + AT_ONCE], key)
    return (found >> np.uint64(2)) | np.uint64(FIRST)


def names_of(phones: Iterable[int]) -> dict[int, int]:
    """By what each may stand among suppressed numbers, and whose that is: the number itself, and its marks."""
    given = list(phones)
    names = {phone: phone for phone in given}
    for row in of(np.array(given, dtype=np.uint64)).tolist():
        names |= zip(row, given, strict=True)
    return names


def new(phone: int) -> int:
    return int(of(np.array([phone], dtype=np.uint64))[0, 0])


def split(suppressed: Numbers) -> tuple[Numbers, Numbers]:
    """What is sorted, as the numbers and the marks behind them."""
    at = np.searchsorted(suppressed, np.uint64(FIRST))
    return suppressed[:at], suppressed[at:]


def are_among(phones: Numbers, erased: Numbers) -> NDArray[np.bool_]:
    """Which of them have one of these marks."""
    found: NDArray[np.bool_] = np.logical_or.reduce(np.isin(of(phones), erased))
    return found


def is_mark(number: int) -> bool:
    return number >= FIRST


def _siphash(message: Numbers, key: tuple[int, int]) -> Numbers:
    """Of eight bytes each, little-endian; additions are modulo 2^64, as those of arrays are."""
    k0, k1 = key
    state = [
        np.full(len(message), initial, dtype=np.uint64)
        for initial in (
            k0 ^ 0x736F6D6570736575,
            k1 ^ 0x646F72616E646F6D,
            k0 ^ 0x6C7967656E657261,
            k1 ^ 0x7465646279746573,
        )
    ]
    for block in (message, np.uint64(8 << 56)):
        state[3] ^= block
        _rounds(state, 2)
        state[0] ^= block
    state[2] ^= np.uint64(0xFF)
    _rounds(state, 4)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


def _rounds(state: list[Numbers], count: int) -> None:
    v0, v1, v2, v3 = state
    for _ in range(count):
        _mix(v0, v1, 13)
        _turn(v0, 32)
        _mix(v2, v3, 16)
        _mix(v0, v3, 21)
        _mix(v2, v1, 17)
        _turn(v2, 32)


def _mix(a: Numbers, b: Numbers, by: int) -> None:
    a += b
    _turn(b, by)
    b ^= a


def _turn(word: Numbers, by: int) -> None:
    low = word >> np.uint64(64 - by)
    word <<= np.uint64(by)
    word |= low


def _keys() -> tuple[tuple[int, int], ...]:
    return _derived(settings.ERASURE_KEY, tuple(settings.ERASURE_KEY_FALLBACKS))


@lru_cache(maxsize=4)
def _derived(key: str, fallbacks: tuple[str, ...]) -> tuple[tuple[int, int], ...]:
    digests = (hmac.digest(text.encode(), b"message-center/erased/1", hashlib.sha256) for text in (key, *fallbacks))
    return tuple((int.from_bytes(one[:8], "little"), int.from_bytes(one[8:16], "little")) for one in digests)
