"""What a submit_sm says, one by one, and of many that are alike at one look."""

from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from smpp import bulk, concat
from smpp.bulk import Octets, Run
from smpp.hot import SHORT_MESSAGE
from smpp.pdu import HEADER, Tlv, find_tlv

ALWAYS, ON_FAILURE = 1, 2  # registered_delivery & 3 (§5.2.17)
GROUPS = 4  # of submits that are alike, in one run
CONTENT = 8  # octets of a digest that are kept
LONG = {0x00: 3, 0x08: 4}  # information elements that say "a part" (3GPP TS 23.040 §9.2.3.24), and their length


class Submit(NamedTuple):
    service_type: bytes
    source: bytes
    destination: bytes
    destination_at: int
    esm_class: int
    validity: bytes
    registered: int
    data_coding: int
    text_at: int
    text_end: int
    content: tuple[slice, ...]
    """Where what is sent stands: the text or message_payload, and the number of the part if a parameter has it."""


def read(body: bytes) -> Submit | None:
    match = SHORT_MESSAGE.match(body)
    if match is None:
        return None
    source, destination, esm_class, registered, data_coding, length = match.groups()
    text_at = match.end()
    end = text_at + length[0]
    content: tuple[slice, ...] = (slice(text_at, end),)
    if end < len(body):
        payload = None if length[0] else find_tlv(body, text_at, Tlv.MESSAGE_PAYLOAD)
        part = find_tlv(body, end, Tlv.SAR_SEGMENT_SEQNUM)
        content = (payload or content[0],) if part is None else (payload or content[0], part)
    validity_at = body.index(0, match.end(3) + 2) + 1
    return Submit(
        body[: body.index(0)],
        source,
        destination,
        match.start(2),
        esm_class[0],
        body[validity_at : match.start(4) - 1],
        registered[0],
        data_coding[0],
        text_at,
        end,
        content,
    )


def said(body: bytes, submit: Submit) -> bytes:
    """All that its content stands for."""
    first = body[submit.content[0]]
    return first + body[submit.content[1]] if len(submit.content) > 1 else first


def is_early_part(body: bytes, submit: Submit) -> bool:
    """A part of a long message, by header or by parameters, that is not its last."""
    text = body[submit.text_at : submit.text_end]
    if submit.esm_class & concat.UDHI and text:
        at, end = 1, min(1 + text[0], len(text))
        while at + 2 <= end:
            size = text[at + 1]
            if LONG.get(text[at]) == size and at + 2 + size <= end:
                return text[at + size + 1] < text[at + size]
            at += 2 + size
    number = find_tlv(body, submit.text_end, Tlv.SAR_SEGMENT_SEQNUM)
    total = find_tlv(body, submit.text_end, Tlv.SAR_TOTAL_SEGMENTS)
    return bool(number and total and body[number] < body[total])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Alike:
    """Submits that differ in sequence, number and what they say only; their numbers are digits."""

    first: Submit
    sequences: NDArray[np.int64]
    destinations: Octets
    contents: bytes | Octets
    """The digits of the content: of all of them, or one a row."""

    def __len__(self) -> int:
        return len(self.sequences)

    def __getitem__(self, rows: slice) -> "Alike":
        contents = self.contents if isinstance(self.contents, bytes) else self.contents[rows]
        return Alike(
            first=self.first,
            sequences=self.sequences[rows],
            destinations=self.destinations[rows],
            contents=contents,
        )


def alike(run: Run) -> tuple[list[Alike], list[tuple[int, bytes]]]:
    """The groups, and the others as (sequence, body)."""
    groups: list[Alike] = []
    rows = run.rows
    while len(groups) < GROUPS and len(rows) >= bulk.FROM:
        found = _like_the_first(rows)
        if found is None:
            break
        group, rows = found
        groups.append(group)
    others = Run(run.command, rows)
    return groups, [
        (sequence, body.tobytes()) for sequence, body in zip(others.sequences.tolist(), others.bodies, strict=True)
    ]


def _like_the_first(rows: Octets) -> tuple[Alike, Octets] | None:
    """Those that are like the first, and the others."""
    body = rows[0, HEADER.size :].tobytes()
    first = read(body)
    if first is None or not first.destination or first.text_end > len(body):
        return None
    begin = HEADER.size + first.destination_at
    numbers = slice(begin, begin + len(first.destination))
    varying = _varying(body, first)
    varying[numbers] = True
    same = rows == rows[0]
    good = same | varying
    good[:, numbers] = rows[:, numbers] - np.uint8(ord("0")) <= 9
    others = rows[:0]
    if not good.all():
        mine = good.all(axis=1)
        if not mine[0]:
            return None
        rows, others, same = rows[mine], rows[~mine], same[mine]
    spans = [slice(HEADER.size + span.start, HEADER.size + span.stop) for span in first.content]
    group = Alike(
        first=first,
        sequences=Run(0, rows).sequences,
        destinations=rows[:, numbers].copy(),
        contents=content(said(body, first)) if all(same[:, span].all() for span in spans) else _contents(rows, spans),
    )
    return group, others


def _varying(body: bytes, first: Submit) -> NDArray[np.bool_]:
    """The columns of a PDU that may differ: the sequence, the text, and the values of optional parameters."""
    varying = np.zeros(HEADER.size + len(body), bool)
    varying[12:16] = True
    varying[HEADER.size + first.text_at : HEADER.size + first.text_end] = True
    at = first.text_end
    while at + 4 <= len(body):
        end = at + 4 + int.from_bytes(body[at + 2 : at + 4], "big")
        if end <= len(body):
            varying[HEADER.size + at + 4 : HEADER.size + end] = True
        at = end
    return varying


def content(said: bytes) -> bytes:
    return sha256(said).digest()[:CONTENT].hex().encode()


def _contents(rows: Octets, spans: list[slice]) -> Octets:
    said = np.hstack([rows[:, span] for span in spans])
    width, text = said.shape[1], said.tobytes()
    digests = b"".join([sha256(text[at : at + width]).digest()[:CONTENT] for at in range(0, len(text), width)])
    return bulk.hexadecimal_of(np.frombuffer(digests, np.uint8).reshape(-1, CONTENT))
