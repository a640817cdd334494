"""What the SMSC reports of a message: values one by one, matrices of those that are alike."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from simulator import ids
from simulator.ids import Numbers
from simulator.knobs import MO_CODINGS, Knobs
from smpp import bulk, hot, pdu
from smpp.bulk import Octets
from smpp.pdu import HEADER, Command, Tlv
from smpp.receipts import INTERMEDIATE, RECEIPT, STATE_WORDS, MessageState

Accepted = tuple[int, bytes, bytes]
"""Number, sender, recipient."""
Report = tuple[bytes, bytes]
"""The message id as reported, the body of the deliver_sm."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AcceptedRun:
    numbers: Numbers
    """Rising."""
    sender: bytes
    recipients: Octets
    """Equally long, one a row."""

    def __len__(self) -> int:
        return len(self.numbers)


class Reports(Protocol):
    """Some receipts, in the order in which they are sent."""

    def __len__(self) -> int: ...

    def __getitem__(self, which: slice | NDArray[np.intp]) -> "Reports": ...

    def ids(self) -> list[bytes] | Octets:
        """The message ids as reported."""

    def pdus(self, first_sequence: int) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Singles:
    reports: Sequence[Report]

    def __len__(self) -> int:
        return len(self.reports)

    def __getitem__(self, which: slice | NDArray[np.intp]) -> "Singles":
        if isinstance(which, slice):
            return Singles(self.reports[which])
        return Singles([self.reports[place] for place in which.tolist()])

    def ids(self) -> list[bytes]:
        return [message_id for message_id, _ in self.reports]

    def pdus(self, first_sequence: int) -> bytes:
        return hot.deliver_sms(first_sequence, [body for _, body in self.reports])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReportRun:
    """Receipts that differ in number, recipient and state; written when they are sent, as that takes ten times as
    much memory."""

    reporter: "Reporter"
    sender: bytes
    date: bytes
    numbers: Numbers
    """Spelled equally long."""
    recipients: Octets
    states: NDArray[np.uint8]
    """Places in the reporter's list."""

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, which: slice | NDArray[np.intp]) -> "ReportRun":
        return ReportRun(
            reporter=self.reporter,
            sender=self.sender,
            date=self.date,
            numbers=self.numbers[which],
            recipients=self.recipients[which],
            states=self.states[which],
        )

    def ids(self) -> Octets:
        return self.reporter.form.spell(self.numbers)

    def pdus(self, first_sequence: int) -> bytes:
        return self.reporter.pdus(self, first_sequence)


@dataclass(frozen=True, slots=True, eq=False)
class _Template:
    rows: Octets
    """A deliver_sm for each state."""
    ids: list[slice]
    recipient: slice


TRAP = b"text:id:999 stat:UNDELIV"
"""Ends every receipt: the customer's own text, which a parser must not believe."""

STYLES: Mapping[str, tuple[str, bool]] = {
    "text": ("usual", False),
    "tlv": ("bare", True),
    "both": ("usual", True),
    "variant": ("variant", False),
    "unlike": ("unlike", True),
}
"""How the text is written, and whether there are parameters."""

_TEXTS = {  # NUL stands for the id
    "usual": b"id:\0 sub:001 dlvrd:%(dlvrd)b submit date:%(date)b done date:%(date)b stat:%(stat)b err:%(err)b " + TRAP,
    "variant": b"stat:%(stat)b err:%(err)b done date:%(date)b sub:001 id:\0 " + TRAP,
    "unlike": b"id:\0 sub:001 dlvrd:000 submit date:%(date)b done date:%(date)b stat:REJECTD err:%(err)b " + TRAP,
    "bare": TRAP,
}
_INTERMEDIATE_ONLY = {2: MessageState.ENROUTE, 3: MessageState.ACCEPTED}


class Reporter:
    """The receipts of accepted messages, as the knobs want them; the number decides which message fails."""

    def __init__(self, knobs: Knobs, *, first: int) -> None:
        self._knobs = knobs
        self._first = first
        self.form = ids.FORMS[knobs.id_dlr]
        text, self._has_tlvs = STYLES[knobs.dlr_style]
        self._text = _TEXTS[text]
        self._good = self._states(next(state for state, word in STATE_WORDS.items() if word == knobs.dlr_state))
        self._bad = self._states(MessageState.UNDELIVERABLE)
        self._all = list(dict.fromkeys(self._good + self._bad))
        self._good_places, self._bad_places = (
            np.array([self._all.index(state) for state in states], np.uint8) for states in (self._good, self._bad)
        )
        self._template = lru_cache(maxsize=64)(self._make_template)

    def due(self, accepted: Sequence["list[Accepted] | AcceptedRun"], *, now: float) -> list[Reports]:
        """Of all these, in their order; neighbours that are alike together."""
        found: list[Reports] = []
        for _, group in groupby(accepted, key=_likeness):
            members = list(group)
            if runs := [one for one in members if isinstance(one, AcceptedRun)]:
                found += self._runs(_joined(runs), _date(now))
            else:
                singles = [one for some in members if isinstance(some, list) for one in some]
                found.append(Singles(self.reports(singles, now=now)))
        return found

    def _runs(self, accepted: AcceptedRun, date: bytes) -> Iterator[ReportRun]:
        numbers, recipients = accepted.numbers, accepted.recipients
        if lost := self._knobs.dlr_lost_every:
            left = np.flatnonzero((numbers - self._first) % lost)
            numbers, recipients = numbers[left], recipients[left]
        each = len(self._good)
        for part in self.form.equally_long(numbers):
            states = np.tile(self._good_places, len(numbers[part]))
            if self._knobs.dlr_fail_every:
                states.reshape(-1, each)[self.failing(numbers[part])] = self._bad_places
            yield ReportRun(
                reporter=self,
                sender=accepted.sender,
                date=date,
                numbers=np.repeat(numbers[part], each) if each > 1 else numbers[part],
                recipients=np.repeat(recipients[part], each, axis=0) if each > 1 else recipients[part],
                states=states,
            )

    def pdus(self, run: ReportRun, first_sequence: int) -> bytes:
        spelled = run.ids()
        template = self._template(run.sender, run.date, spelled.shape[1], run.recipients.shape[1])
        rows = template.rows[run.states]
        rows[:, 12:16] = bulk.words(np.arange(first_sequence, first_sequence + len(run)))
        rows[:, template.recipient] = run.recipients
        for place in template.ids:
            rows[:, place] = spelled
        return rows.tobytes()

    def _make_template(self, sender: bytes, date: bytes, id_width: int, recipient_width: int) -> _Template:
        """All states are written equally long."""
        blank_id, blank_recipient = b"\0" * id_width, b"\0" * recipient_width
        pdus = []
        for state in self._all:
            body = self._body(state, self._text_of(state, date), sender, blank_recipient, blank_id)
            pdus.append(HEADER.pack(HEADER.size + len(body), Command.DELIVER_SM, 0, 0) + body)
        begin = HEADER.size + len(deliver_body(blank_recipient, sender, b"", 0))
        text = self._text_of(self._all[0], date)
        places = [begin + text.index(b"\0")] if b"\0" in text else []
        if self._has_tlvs:
            places.append(begin + len(text) + (id_width - 1) * len(places) + 4)
        return _Template(
            rows=np.frombuffer(b"".join(pdus), np.uint8).reshape(len(pdus), -1),
            ids=[slice(place, place + id_width) for place in places],
            recipient=slice(HEADER.size + 3, HEADER.size + 3 + recipient_width),
        )

    def reports(self, accepted: list[Accepted], *, now: float) -> list[Report]:
        date = _date(now)
        texts = {state: self._text_of(state, date) for state in self._all}
        lost = self._knobs.dlr_lost_every
        reports: list[Report] = []
        for number, sender, recipient in accepted:
            if lost and (number - self._first) % lost == 0:
                continue
            message_id = self.form.one(number)
            for state in self._bad if self.fails(number) else self._good:
                reports.append((message_id, self._body(state, texts[state], sender, recipient, message_id)))
        return reports

    def _body(self, state: MessageState, text: bytes, sender: bytes, recipient: bytes, message_id: bytes) -> bytes:
        esm_class = INTERMEDIATE if state is MessageState.ENROUTE else RECEIPT
        body = deliver_body(recipient, sender, text.replace(b"\0", message_id), esm_class)
        return body + _tlvs(message_id, state) if self._has_tlvs else body

    def fails(self, number: int) -> bool:
        every = self._knobs.dlr_fail_every
        return bool(every) and (number - self._first) % every == 0

    def failing(self, numbers: Numbers) -> NDArray[np.bool_]:
        every = self._knobs.dlr_fail_every
        return (numbers - self._first) % every == 0 if every else np.zeros(len(numbers), bool)

    def _states(self, final: MessageState) -> list[MessageState]:
        only = _INTERMEDIATE_ONLY.get(self._knobs.dlr_intermediate, final)
        states = [only] * self._knobs.dlr_dup
        return [MessageState.ENROUTE, *states, MessageState.ENROUTE] if self._knobs.dlr_intermediate == 1 else states

    def _text_of(self, state: MessageState, date: bytes) -> bytes:
        return self._text % {
            b"dlvrd": b"001" if state is MessageState.DELIVERED else b"000",
            b"date": date,
            b"stat": STATE_WORDS[state].encode(),
            b"err": b"001" if state is MessageState.UNDELIVERABLE else b"000",
        }


def _likeness(accepted: "list[Accepted] | AcceptedRun") -> tuple[bytes, int] | None:
    return (accepted.sender, accepted.recipients.shape[1]) if isinstance(accepted, AcceptedRun) else None


def _joined(runs: list[AcceptedRun]) -> AcceptedRun:
    if len(runs) == 1:
        return runs[0]
    return AcceptedRun(
        numbers=np.concatenate([run.numbers for run in runs]),
        sender=runs[0].sender,
        recipients=np.concatenate([run.recipients for run in runs]),
    )


def _tlvs(message_id: bytes, state: MessageState) -> bytes:
    values = {
        Tlv.RECEIPTED_MESSAGE_ID: message_id + b"\0",
        Tlv.MESSAGE_STATE: bytes((state,)),
        Tlv.NETWORK_ERROR_CODE: b"\3\0\1" if state is MessageState.UNDELIVERABLE else b"\3\0\0",
    }
    return b"".join(tag.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value for tag, value in values.items())


def deliver_body(source: bytes, destination: bytes, text: bytes, esm_class: int) -> bytes:
    """The body of a deliver_sm from an international number, without the optional parameters."""
    return b"\0\1\1%b\0\0\0%b\0%c\0\0\0\0\0\0\0\0%c%b" % (source, destination, esm_class, len(text), text)


def _date(now: float) -> bytes:
    return time.strftime("%y%m%d%H%M", time.gmtime(now)).encode()


def message_from_a_phone(knobs: Knobs) -> Singles:
    text = knobs.mo_text.encode(MO_CODINGS[knobs.mo_coding])
    is_long = len(text) > pdu.MAX_SHORT_MESSAGE
    value = pdu.DeliverSm(
        source_addr_ton=1,
        source_addr_npi=1,
        source_addr=knobs.mo_from.encode(),
        destination_addr=knobs.mo_to.encode(),
        data_coding=knobs.mo_coding,
        short_message=b"" if is_long else text,
        tlvs={Tlv.MESSAGE_PAYLOAD: text} if is_long else {},
    )
    return Singles([(b"", pdu.encode(value)[HEADER.size :])])
