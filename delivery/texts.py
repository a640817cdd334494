"""A campaign's text on the wire: the same for all recipients, or filled for each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from campaigns import gsm
from campaigns.models import Campaign
from delivery import pacing
from delivery.batches import Integers
from smpp import bulk, concat
from smpp.concat import UDHI
from smpp.hot import Envelope, SubmitTemplate, submit_sms
from smpp.pdu import SubmitSm, Tlv, encode_tlvs

RECEIPT_WANTED = 0x01  # registered_delivery, SMPP 3.4 §5.2.17


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How a carrier wants texts written."""

    default_coding: str = "gsm"  # what data_coding 0 means: gsm, latin1, ascii
    gsm_data_coding: int = 0
    ucs2_data_coding: int = 8
    long_messages: str = "udh8"  # or udh16, sar, payload
    dest_ton: int = 1
    dest_npi: int = 1
    plus_sign: bool = False
    service_type: str = ""
    longest_validity: int | None = None  # seconds that the carrier takes


@dataclass(frozen=True, slots=True)
class _Piece:
    """The text of one PDU."""

    esm_class: int
    data_coding: int
    text: bytes
    tlvs: Mapping[int, bytes] = field(default_factory=dict)


class Same:
    """One text for everybody."""

    def __init__(
        self, templates: Sequence[SubmitTemplate], phones: NDArray[np.uint64], *, cost: int, plus: bool
    ) -> None:
        self.cost = cost
        self._templates = templates
        self.starts: Integers = np.arange(0, len(phones) * len(templates) + 1, len(templates))
        width = bulk.width_of(phones)
        self._destinations = _destinations(phones, plus=plus)
        self._digits = None
        if width:
            self._digits = bulk.digits(phones, width + plus)
            if plus:
                self._digits[:, 0] = ord("+")

    def encode(self, first: int, count: int, sequence: int) -> bytes:
        parts, last = len(self._templates), first + count
        if parts == 1:
            if self._digits is None:
                return self._templates[0].encode(sequence, self._destinations[first:last])
            return self._templates[0].encode_run(sequence, self._digits[first:last])
        if self._digits is None or first % parts or last % parts:
            return submit_sms(sequence, map(self._body, range(first, last)))
        mine = self._digits[first // parts : last // parts]
        rows = [
            template.rows(np.arange(sequence + part, sequence + count, parts), mine)
            for part, template in enumerate(self._templates)
        ]
        return np.concatenate(rows, axis=1).tobytes()

    def _body(self, unit: int) -> bytes:
        recipient, part = divmod(unit, len(self._templates))
        return self._templates[part].body(self._destinations[recipient])


class Filled:
    """A text of their own for each."""

    def __init__(self, bodies: Sequence[bytes], starts: Integers, *, cost: int) -> None:
        self._bodies, self.starts, self.cost = bodies, starts, cost

    def encode(self, first: int, count: int, sequence: int) -> bytes:
        return submit_sms(sequence, self._bodies[first : first + count])


def parts(text: str, style: Style) -> int:
    """Message parts, as the carrier counts them, of a text in one PDU as well."""
    return gsm.count_parts(text, header=_header(style))


def pdus(text: str, style: Style) -> int:
    return 1 if style.long_messages == "payload" else parts(text, style)


def templates(campaign: Campaign, style: Style, *, now: datetime) -> tuple[SubmitTemplate, ...]:
    """One a PDU. The validity period ends at the deadline at the latest; the concatenation reference is the
    campaign's, so that two campaigns to one number do not mix."""
    envelope = _envelope(campaign, style, now=now)
    return tuple(
        SubmitTemplate(
            SubmitSm(
                **envelope,
                esm_class=piece.esm_class,
                data_coding=piece.data_coding,
                short_message=piece.text,
                tlvs=piece.tlvs,
            )
        )
        for piece in _pieces(campaign.template.plain, style, reference=campaign.pk)
    )


def filled(
    campaign: Campaign,
    style: Style,
    phones: NDArray[np.uint64],
    texts: Sequence[str],
    *,
    now: datetime,
    ends: Sequence[datetime | None] | None = None,
    references: Sequence[int] | None = None,
) -> Filled:
    """`ends` are when each loses its point; none is the campaign's deadline. `references` tell the parts of each from
    those of others; none is the campaign's."""
    envelopes = dict[tuple[int, int, datetime | None], Envelope]()
    bodies: list[bytes] = []
    starts = [0]
    for destination, text, end, reference in zip(
        _destinations(phones, plus=style.plus_sign),
        texts,
        ends or [None] * len(texts),
        references or [campaign.pk] * len(texts),
        strict=True,
    ):
        for piece in _pieces(text, style, reference=reference & 0xFFFF):
            kind = piece.esm_class, piece.data_coding, end
            if kind not in envelopes:
                envelope = _envelope(campaign, style, now=now, end=end)
                envelopes[kind] = Envelope(SubmitSm(**envelope, esm_class=kind[0], data_coding=kind[1]))
            bodies.append(envelopes[kind].body(destination, piece.text, encode_tlvs(piece.tlvs)))
        starts.append(len(bodies))
    # In one PDU each, the longest says what they cost: slower, never faster.
    cost = max((parts(text, style) for text in texts), default=1) if len(bodies) == len(texts) else 1
    return Filled(bodies, np.array(starts), cost=cost)


def foreign(text: str, style: Style) -> str | None:
    """A character of a GSM text that the carrier's own alphabet lacks."""
    if style.default_coding == "gsm" or gsm.measure(text).encoding != "gsm7":
        return None
    return next((character for character in text if not _is_known(character, style.default_coding)), None)


def _is_known(character: str, coding: str) -> bool:
    try:
        character.encode(_CODECS[coding])
    except UnicodeEncodeError:
        return False
    return True


_CODECS = {"latin1": "latin-1", "ascii": "ascii"}


def _destinations(phones: NDArray[np.uint64], *, plus: bool) -> list[bytes]:
    form = b"+%d" if plus else b"%d"
    return [form % phone for phone in phones.tolist()]


def _envelope(campaign: Campaign, style: Style, *, now: datetime, end: datetime | None = None) -> dict[str, Any]:
    usual = settings.DEFAULT_VALIDITY
    if style.longest_validity is not None:
        usual = min(usual, timedelta(seconds=style.longest_validity))
    ends = [at for at in (campaign.not_after, end) if at is not None]
    until = pacing.validity(now, usual=usual, not_after=min(ends, default=None))
    return {
        "service_type": style.service_type.encode("ascii"),
        "source_addr_ton": campaign.revision.ton,
        "source_addr_npi": campaign.revision.npi,
        "source_addr": campaign.revision.saddr.encode("ascii"),
        "dest_addr_ton": style.dest_ton,
        "dest_addr_npi": style.dest_npi,
        "validity_period": pacing.smpp_time(until).encode(),
        "registered_delivery": RECEIPT_WANTED,
    }


@lru_cache(maxsize=4096)
def _pieces(text: str, style: Style, *, reference: int) -> tuple[_Piece, ...]:
    """What one text comes to: a PDU for each of its parts, or one with all of it."""
    measure = gsm.measure(text, header=_header(style))
    coding = style.ucs2_data_coding if measure.encoding == "ucs2" else style.gsm_data_coding
    if style.long_messages == "payload" and measure.parts > 1:
        whole = _octets(text, measure.encoding, style)
        return (_Piece(0, coding, b"", {Tlv.MESSAGE_PAYLOAD: whole}),)
    octets = [_octets(part, measure.encoding, style) for part in gsm.split(text, header=_header(style))]
    if style.long_messages == "sar":
        given = concat.parameters(octets, reference=reference)
        return tuple(_Piece(0, coding, one, tlvs) for one, tlvs in zip(octets, given, strict=True))
    esm_class = UDHI if len(octets) > 1 else 0
    headed = concat.with_headers(octets, reference=reference, wide=style.long_messages == "udh16")
    return tuple(_Piece(esm_class, coding, one) for one in headed)


def _octets(part: str, encoding: gsm.Encoding, style: Style) -> bytes:
    if encoding == "ucs2" or style.default_coding == "gsm":
        return gsm.encode_part(part, encoding)
    return part.encode(_CODECS[style.default_coding])


def _header(style: Style) -> int:
    return concat.WIDE_HEADER if style.long_messages == "udh16" else concat.HEADER
