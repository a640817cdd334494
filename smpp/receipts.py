"""What a deliver_sm says about an earlier message: SMPP 3.4 appendix B, and what carriers make of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from smpp.bulk import Octets, numbers
from smpp.hot import SHORT_MESSAGE
from smpp.pdu import Tlv, find_tlv, read_tlvs


class MessageState(IntEnum):
    """message_state (§5.2.28; 0 and 9 are of SMPP 5.0)."""

    SCHEDULED = 0
    ENROUTE = 1
    DELIVERED = 2
    EXPIRED = 3
    DELETED = 4
    UNDELIVERABLE = 5
    ACCEPTED = 6
    UNKNOWN = 7
    REJECTED = 8
    SKIPPED = 9

    @property
    def strength(self) -> int:
        """1: on its way, 2: final but weak, 3: final."""
        return _STRENGTH.get(self, 3)

    @property
    def is_final(self) -> bool:
        return self.strength > 1

    def replaces(self, known: "MessageState | None") -> bool:
        """Whether this state says more than what is known; the first strong final state stays,
        except that a message called undeliverable may turn out to be delivered."""
        if known is None or self.strength > known.strength:
            return True
        return known is MessageState.UNDELIVERABLE and self is MessageState.DELIVERED


_STRENGTH = {
    MessageState.SCHEDULED: 1,
    MessageState.ENROUTE: 1,
    MessageState.ACCEPTED: 1,
    MessageState.UNKNOWN: 2,
}

STATE_WORDS: dict[MessageState, str] = {
    MessageState.SCHEDULED: "SCHEDLD",
    MessageState.ENROUTE: "ENROUTE",
    MessageState.DELIVERED: "DELIVRD",
    MessageState.EXPIRED: "EXPIRED",
    MessageState.DELETED: "DELETED",
    MessageState.UNDELIVERABLE: "UNDELIV",
    MessageState.ACCEPTED: "ACCEPTD",
    MessageState.UNKNOWN: "UNKNOWN",
    MessageState.REJECTED: "REJECTD",
    MessageState.SKIPPED: "SKIPPED",
}
_STATES = {word: state for state, word in STATE_WORDS.items()} | {
    state.name: state for state in MessageState
}  # carriers also write the words in full


class Receipt(NamedTuple):  # made a million times: a frozen dataclass takes four times as long
    message_id: str
    state: MessageState
    error: str
    """`err:` of the text, or the number in network_error_code."""
    source: str
    """The digits of who was to receive the message: a receipt's addresses are swapped."""
    destination: str
    submit_date: str
    """As the carrier wrote it, usually YYMMDDhhmm in a time zone of its own."""
    done_date: str
    intermediate: bool
    conflict: bool
    """The optional parameters and the text say different things; the parameters were believed."""


TYPE = 0x3C  # the bits of esm_class that say what kind of message it is (§5.2.12)
RECEIPT = 0x04
INTERMEDIATE = 0x20

# The example of appendix B, to its letter, without optional parameters: nearly every receipt there is.
_USUAL = re.compile(
    r"[^\0]*\0..\+?([^\0]*)\0..([^\0]*)\0\x04..[^\0]*\0[^\0]*\0.{4}(.)"
    r"id:([^\s\0]+) sub:\d* dlvrd:\d* submit date:(\d*) done date:(\d*) stat:([A-Z]+) err:(\w*) [Tt]ext:",
    re.DOTALL | re.ASCII,
)
_KEY = re.compile(r"\b(id|submit date|done date|stat|err):[ ]*([^\s,;]*)", re.IGNORECASE | re.ASCII)
_TEXT = re.compile(r"\btext:", re.IGNORECASE | re.ASCII)


def parse(body: bytes) -> Receipt | None:
    """The receipt in the body of a deliver_sm; None when it is a message from a phone. Never raises."""
    usual = _USUAL.match(body.decode("latin-1"))
    if usual is None:
        return _parse_any(body)
    source, destination, length, message_id, submit_date, done_date, word, error = usual.groups()
    state = _STATES.get(word)
    if state is None or usual.end(3) + ord(length) != len(body):
        return _parse_any(body)
    return Receipt(
        message_id=message_id,
        state=state,
        error=error,
        source=source,
        destination=destination,
        submit_date=submit_date,
        done_date=done_date,
        intermediate=state in _ON_ITS_WAY,
        conflict=False,
    )


def _parse_any(body: bytes) -> Receipt | None:
    match = SHORT_MESSAGE.match(body)
    if match is None:
        return None
    source, destination, esm_class, _, _, length = match.groups()
    end = match.end() + length[0]
    tlvs = read_tlvs(body, end)
    kind = esm_class[0] & TYPE
    if kind not in (RECEIPT, INTERMEDIATE) and Tlv.RECEIPTED_MESSAGE_ID not in tlvs:
        return None
    told = _told(body[match.end() : end] or tlvs.get(Tlv.MESSAGE_PAYLOAD, b""))
    message_id = tlvs.get(Tlv.RECEIPTED_MESSAGE_ID, b"").partition(b"\0")[0].decode("latin-1")
    told_id = told.get("id", "")
    if not (message_id or told_id):
        return None
    state, told_state = _state(tlvs), _STATES.get(told.get("stat", "").upper())
    known = told_state if state is None else state
    if known is None:
        known = MessageState.ENROUTE if kind == INTERMEDIATE else MessageState.UNKNOWN
    return Receipt(
        message_id=message_id or told_id,
        state=known,
        error=_network_error(tlvs) or told.get("err", ""),
        source=source.decode("latin-1").removeprefix("+"),
        destination=destination.decode("latin-1"),
        submit_date=told.get("submit date", ""),
        done_date=told.get("done date", ""),
        intermediate=kind == INTERMEDIATE or known in _ON_ITS_WAY,
        conflict=(state is not None and told_state is not None and state is not told_state)
        or bool(message_id and told_id and not _are_the_same(message_id, told_id)),
    )


def _told(text: bytes) -> dict[str, str]:
    """The keys of a receipt's text in any order, first one wins; what follows `text:` is the customer's, not the
    carrier's, and may pretend to be a receipt."""
    own = _TEXT.split(text.decode("latin-1"), maxsplit=1)[0]
    return {key.lower(): value for key, value in reversed(_KEY.findall(own))}


def _state(tlvs: dict[int, bytes]) -> MessageState | None:
    value = tlvs.get(Tlv.MESSAGE_STATE, b"")
    try:
        return MessageState(value[0]) if value else None
    except ValueError:
        return None


def _network_error(tlvs: dict[int, bytes]) -> str:
    """§5.3.2.31: one octet names the kind of network, two hold the error."""
    value = tlvs.get(Tlv.NETWORK_ERROR_CODE, b"")
    return f"{int.from_bytes(value[1:], 'big'):03d}" if len(value) == 3 else ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Alike:
    """Receipts that say the same of different messages."""

    rows: NDArray[np.intp]
    """Where they stand in what was read."""
    message_ids: NDArray[np.bytes_]
    sources: NDArray[np.int64]
    state: MessageState
    error: str


GROUPS = 8  # of receipts that are alike, in one run


def alike(bodies: Octets) -> Iterator[Alike]:
    """What `parse` says of most of these bodies of deliver_sm, group by group; those in no group are `parse`'s."""
    left = np.arange(len(bodies))
    for _ in range(GROUPS):
        if not len(left):
            return
        found = _like_the_first(bodies, left)
        if found is None:
            left = left[1:]
            continue
        group, left = found
        yield group


def _like_the_first(bodies: Octets, rows: NDArray[np.intp]) -> tuple[Alike, NDArray[np.intp]] | None:
    """The receipts that differ from the first of the rows in id, number and dates only, and the other rows."""
    first = bodies[rows[0]].tobytes()
    usual = _USUAL.match(first.decode("latin-1"))
    if usual is None or (told := parse(first)) is None or told.conflict or told.message_id != usual[4]:
        return None
    mine = bodies if len(rows) == len(bodies) else bodies[rows]
    varying = np.zeros(bodies.shape[1], bool)
    for group in (1, 4, 5, 6):
        varying[slice(*usual.span(group))] = True
    begin, end = usual.span(4)
    ids = mine[:, begin:end]
    # `\S` of the pattern, in ASCII.
    good = ((ids > 0x20) & (ids < 0x7F)).all(axis=1)
    if (inside := find_tlv(first, usual.end(3) + ord(usual[3]), Tlv.RECEIPTED_MESSAGE_ID)) is not None:
        inside = slice(inside.start, inside.start + end - begin)
        if first[inside] != first[begin:end]:  # `parse` has to choose
            return None
        varying[inside] = True
        good &= (mine[:, inside] == ids).all(axis=1)
    for group in (1, 5, 6):
        span = mine[:, slice(*usual.span(group))]
        good &= ((span >= 0x30) & (span <= 0x39)).all(axis=1)
    good &= ((mine == mine[0]) | varying).all(axis=1)
    sources = numbers(mine[:, slice(*usual.span(1))][good]) if good[0] else None
    if sources is None:
        return None
    alike = Alike(
        rows=rows[good],
        message_ids=np.ascontiguousarray(ids[good]).view(f"S{end - begin}")[:, 0],
        sources=sources,
        state=told.state,
        error=told.error,
    )
    return alike, rows[~good]


_ON_ITS_WAY = frozenset(state for state in MessageState if not state.is_final)

_DECIMAL = re.compile(r"[0-9]{1,39}")  # 39 digits hold 128 bits
_HEX = re.compile(r"[0-9A-F]{1,32}")


def candidates(message_id: str) -> tuple[str, ...]:
    """The normal forms under which the same id may be known: carriers answer in one base and report in another.
    The first is the id itself, in upper case and without leading zeros."""
    own = message_id.upper().lstrip("0") or "0"
    forms = [own]
    if _HEX.fullmatch(own):
        forms.append(str(int(own, 16)))
    if _DECIMAL.fullmatch(own):
        forms.append(f"{int(own):X}")
    return tuple(dict.fromkeys(forms))


def _are_the_same(one: str, other: str) -> bool:
    return one == other or not set(candidates(one)).isdisjoint(candidates(other))
