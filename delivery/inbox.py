"""The inbox: every deliver_sm as it came, committed before it is acknowledged, many to a row."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from django.db import connection

from delivery import rows
from delivery.rows import days, microseconds
from smpp.bulk import Octets
from smpp.hot import deliver_sms
from smpp.session import Role, Session, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """The deliver_sm that one read of a socket brought."""

    channel_id: int
    at: datetime
    pdus: Sequence[tuple[int, bytes]] = ()  # sequence and body
    runs: Sequence[Octets] = ()  # whole PDUs, equally long, one a row
    accepted_is_delivered: bool = False  # with this carrier

    @property
    def count(self) -> int:
        return len(self.pdus) + sum(map(len, self.runs))


def keep(arrivals: Iterable[Arrival]) -> None:
    """In the caller's transaction: a row for each channel and instant, the PDUs end to end, as on the wire."""
    written = []
    for (channel_id, at), group in groupby(arrivals, key=lambda one: (one.channel_id, one.at)):
        these = list(group)
        raw = b"".join(_raw(arrival) for arrival in these)
        written.append(
            rows.packed(
                1,
                [
                    ("i4", days(at.date())),
                    ("i8", channel_id),
                    ("i8", microseconds(at)),
                    ("i4", sum(arrival.count for arrival in these)),
                    ("text", raw),
                ],
            )
        )
    with connection.cursor() as cursor:
        rows.write(cursor, "delivery_inbox", "day, channel_id, received_at, pdus, raw", written)


def read(raw: bytes) -> list[tuple[int, bytes]]:
    """Sequence and body of each PDU of a row."""
    session = Session(Role.ESME)
    session.state = State.BOUND_RX
    return session.receive(raw).deliveries


def _raw(arrival: Arrival) -> bytes:
    single = [deliver_sms(sequence, [body]) for sequence, body in arrival.pdus]
    return b"".join([*single, *(run.tobytes() for run in arrival.runs)])
