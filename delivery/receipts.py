"""Receipts: committed to the inbox before they are acknowledged, and applied at once where their message is known."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial

import numpy as np
from django.db import DatabaseError, InterfaceError, connection, transaction

from delivery import copying, inbound, inbox, incidents, matching, reasons
from delivery.batches import Ids, Integers
from delivery.copying import copied
from delivery.id_bases import bases, converted
from delivery.inbox import Arrival
from delivery.plans import by_key
from delivery.rows import day_of
from delivery.statuses import IncidentKind, MessageState
from delivery.verdicts import VERDICTS, Verdicts, error_code, meant, number_in, raise_in
from delivery.whereabouts import Bools, Places, Whereabouts, blank, normal, normal_forms, whereabouts
from smpp import receipts
from smpp.bulk import Octets
from smpp.pdu import HEADER
from smpp.receipts import MessageState as CarrierState
from smpp.status import CommandStatus

logger = logging.getLogger(__name__)

S = MessageState
BATCH = 5000  # that are taken in together, and one read more at most
# Milliseconds: whoever waits longer for a row answers 0x08, and lets the others' receipts in.
STORE_WITHIN = 2000
NO_PHONE = -1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Told:
    """Receipts of one channel that say the same of different messages."""

    arrival: Arrival
    state: CarrierState
    error: str
    message_ids: Ids
    phones: Integers
    bodies: Callable[[int], bytes]  # by its place among them
    conflict: bool = False

    @property
    def code(self) -> int:
        return error_code(self.state, self.error)

    @property
    def verdict(self) -> MessageState | None:
        return VERDICTS[meant(self.state, accepted_is_delivered=self.arrival.accepted_is_delivered)]


def take_in(arrivals: Sequence[Arrival]) -> int:
    """Store them, and apply those whose message is known; the command_status to answer with.

    0x08 when the database does not take them: the carrier sends them again.
    """
    try:
        unlike = _store(arrivals)
        for channel_id, count in unlike.items():
            sample, at = reasons.RECEIPTS_CONTRADICT, arrivals[-1].at
            incidents.note(IncidentKind.PROTOCOL, at=at, sample=sample, channel_id=channel_id, count=count)
    except (DatabaseError, InterfaceError) as error:
        logger.warning("receipts.not_stored", extra={"reads": len(arrivals), "error": str(error)})
        return int(CommandStatus.RSYSERR)
    return int(CommandStatus.ROK)


@transaction.atomic
def _store(arrivals: Sequence[Arrival]) -> Counter[int]:
    """How many of each channel contradict themselves."""
    with connection.cursor() as cursor:
        by_key(cursor, within=STORE_WITHIN)
    inbox.keep(arrivals)
    told, others = _read(arrivals)
    raised, unknown = _Raised(), list[tuple[_Told, int]]()
    for one in told:
        known, places_of_known = _remembered(one)
        raised.add(one, np.flatnonzero(known), places_of_known)
        unknown += [(one, place) for place in np.flatnonzero(~known).tolist()]
    places = _looked_up(unknown, now=arrivals[-1].at)
    left: list[str] = []
    for number, (one, place) in enumerate(unknown):
        if number in places:
            raised.add(one, np.array([place]), places[number].columns)
        else:
            left.append(_line(one, place))
    left += raised.apply(at=arrivals[-1].at)
    if others:
        inbound.take_in([(arrival.channel_id, body, arrival.at) for arrival, body in others])
    if left:
        with connection.cursor() as cursor:
            copying.write(cursor, _COPY, left)
    return Counter(one.arrival.channel_id for one in told if one.conflict)


def _read(arrivals: Sequence[Arrival]) -> tuple[list[_Told], list[tuple[Arrival, bytes]]]:
    """What they say; and the bodies that are no receipts."""
    told: list[_Told] = []
    others: list[tuple[Arrival, bytes]] = []
    for arrival in arrivals:
        single = [body for _, body in arrival.pdus]
        for run in arrival.runs:
            bodies = run[:, HEADER.size :]
            odd = np.ones(len(bodies), bool)
            for group in receipts.alike(bodies):
                odd[group.rows] = False
                told.append(
                    _Told(
                        arrival=arrival,
                        state=group.state,
                        error=group.error,
                        message_ids=normal_forms(group.message_ids),
                        phones=group.sources,
                        bodies=partial(_body, bodies[group.rows]),
                    )
                )
            single += [bodies[place].tobytes() for place in np.flatnonzero(odd).tolist()]
        for body in single:
            receipt = _parse(body)
            if receipt is None:
                others.append((arrival, body))
            else:
                told.append(_told(arrival, body, receipt))
    return told, others


def _body(bodies: Octets, place: int) -> bytes:
    body: bytes = bodies[place].tobytes()
    return body


def _told(arrival: Arrival, body: bytes, receipt: "receipts.Receipt") -> _Told:
    number = number_in(receipt.source)
    return _Told(
        arrival=arrival,
        state=receipt.state,
        error=receipt.error,
        message_ids=np.array([normal(receipt.message_id).encode()]),
        phones=np.array([NO_PHONE if number is None else number]),
        bodies=lambda _: body,
        conflict=receipt.conflict,
    )


def _parse(body: bytes) -> "receipts.Receipt | None":
    try:
        return receipts.parse(body)
    except Exception:  # the edge to the carrier: what nobody can read is kept as it came, and costs no other receipt
        logger.exception("receipts.unreadable", extra={"octets": len(body)})
        return None


def _remembered(told: _Told) -> tuple[Bools, Places]:
    """Which are known, as this process handed them over, and what those mean; the number decides between readings of
    the id."""
    channel_id, ids = told.arrival.channel_id, told.message_ids.tolist()
    known, places = np.zeros(len(ids), bool), blank(len(ids))
    for base in bases.order(channel_id):
        left = np.flatnonzero(~known)
        if not len(left):
            break
        tried = converted(base, ids if len(left) == len(ids) else [ids[place] for place in left.tolist()])
        found, theirs = whereabouts.find(channel_id, tried)
        found &= theirs.phones == told.phones[left]
        hits = left[found]
        known[hits] = True
        for column, values in zip(places, theirs, strict=True):
            column[hits] = values[found]
        if len(hits):
            bases.count(channel_id, base, len(hits))
    return known, Places(*(column[known] for column in places))


def _looked_up(unknown: Sequence[tuple[_Told, int]], *, now: datetime) -> dict[int, Whereabouts]:
    """Where those belong that another process handed over, by their place in the sequence."""
    tries = [
        (number, told.arrival.channel_id, candidate, int(told.phones[place]), choice)
        for number, (told, place) in enumerate(unknown)
        for choice, candidate in enumerate(receipts.candidates(told.message_ids[place].decode()))
    ]
    return matching.by_id(tries, now=now)


class _Raised:
    """Receipts whose messages are known, until they are applied together."""

    def __init__(self) -> None:
        self._told: list[tuple[_Told, Integers, Places]] = []

    def add(self, told: _Told, mine: Integers, places: Places) -> None:
        """Where those of `told` belong that are `mine`."""
        if len(mine) and told.verdict is not None:  # on its way, or unknown: kept, and nothing to raise
            self._told.append((told, mine, places))

    def apply(self, *, at: datetime) -> Iterator[str]:
        """The lines of those whose message is not on record."""
        if not self._told:
            return
        columns = [np.concatenate(column) for column in zip(*(places for _, _, places in self._told), strict=True)]
        places = Places(*columns)
        delivered = np.concatenate([np.full(len(mine), told.verdict is S.DELIVERED) for told, mine, _ in self._told])
        codes = np.concatenate([np.full(len(mine), told.code) for told, mine, _ in self._told])
        found = np.zeros(len(codes), bool)
        for day, campaign in sorted(set(zip(places.days.tolist(), places.campaigns.tolist(), strict=True))):
            its = np.flatnonzero((places.campaigns == campaign) & (places.days == day))
            verdicts = Verdicts.of(places.recipients[its], places.parts[its], delivered[its], codes[its])
            missing = raise_in(day_of(day), campaign, verdicts, at=at)
            found[its] = ~np.isin(places.recipients[its], missing) if len(missing) else True
        first = 0
        for told, mine, _ in self._told:
            for place in np.flatnonzero(~found[first : first + len(mine)]).tolist():
                yield _line(told, int(mine[place]))
            first += len(mine)


_COPY = (
    "COPY delivery_receipt (day, channel_id, received_at, is_receipt, message_id, phone, state, error_code,"
    " next_try_at, raw) FROM STDIN"
)
_NULL = "\\N"


def _line(told: _Told, place: int) -> str:
    """A receipt that waits for its message, in COPY's text format: due at once, whatever this process' clock says."""
    day, at = _written(told.arrival.at)
    phone = int(told.phones[place])
    return (
        f"{day}\t{told.arrival.channel_id}\t{at}\tt\t{copied(told.message_ids[place].decode())}"
        f"\t{_NULL if phone == NO_PHONE else phone}\t{int(told.state)}\t{told.code}\tepoch"
        f"\t\\\\x{told.bodies(place).hex()}\n"
    )


@lru_cache(maxsize=1024)  # what one read brought arrived at one time
def _written(at: datetime) -> tuple[str, str]:
    return str(at.date()), str(at)
