"""How a carrier writes an id in its receipts that it wrote otherwise in its answers: learnt from those that agree."""

from collections.abc import Callable
from threading import Lock

from channels.models import IdBase
from delivery.batches import LONGEST_ID

ENOUGH = 20  # receipts that agree, in a row

Convert = Callable[[bytes], bytes]


def _to_decimal(message_id: bytes) -> bytes:
    try:
        return b"%d" % int(message_id, 16)
    except ValueError:
        return message_id


def _to_hex(message_id: bytes) -> bytes:
    try:
        return b"%X" % int(message_id)
    except ValueError:
        return message_id


# From a receipt's id to that of the answer, in normal form. HEX_TO_DEC: answered in hexadecimal, reported in decimal.
CONVERSIONS: dict[str, Convert] = {IdBase.HEX_TO_DEC: _to_hex, IdBase.DEC_TO_HEX: _to_decimal}


class _Bases:
    """By channel. What was learnt is told once, to be kept."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.forget()

    def forget(self) -> None:
        with self._lock:
            self._known: dict[int, str] = {}
            self._rows: dict[int, tuple[str, int]] = {}
            self._news: list[tuple[int, str, bool]] = []

    def start_with(self, channel_id: int, base: str) -> None:
        """What is on record, for a channel of which nothing is known here."""
        if base:
            with self._lock:
                self._known.setdefault(channel_id, base)

    def order(self, channel_id: int) -> list[str]:
        """The bases, the likeliest first."""
        known = self._known.get(channel_id, IdBase.SAME)
        return [known, *(base for base in (IdBase.SAME, *CONVERSIONS) if base != known)]

    def count(self, channel_id: int, base: str, n: int) -> None:
        """So many receipts were found by this base."""
        with self._lock:
            last, row = self._rows.get(channel_id, ("", 0))
            row = row + n if last == base else n
            self._rows[channel_id] = base, row
            if row >= ENOUGH and self._known.get(channel_id) != base:
                deviates = channel_id in self._known
                self._known[channel_id] = base
                self._news.append((channel_id, base, deviates))

    def news(self) -> list[tuple[int, str, bool]]:
        """Channel, base, and whether it was known to be another one."""
        with self._lock:
            news, self._news = self._news, []
        return news


bases = _Bases()


def converted(base: str, message_ids: list[bytes]) -> list[bytes]:
    convert = CONVERSIONS.get(base)
    return message_ids if convert is None else [convert(one)[:LONGEST_ID] for one in message_ids]
