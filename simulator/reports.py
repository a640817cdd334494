"""What the SMSC calls a message, and what it reports of it."""

import time
from collections.abc import Callable, Mapping
from uuid import UUID

from simulator.knobs import Knobs
from smpp.pdu import Tlv
from smpp.receipts import INTERMEDIATE, RECEIPT, STATE_WORDS, MessageState

Accepted = tuple[int, bytes, bytes]
"""Number, sender, recipient."""
Report = tuple[bytes, bytes]
"""The message id as reported, the body of the deliver_sm."""

ID_FORMATS: dict[str, Callable[[int], bytes]] = {
    "dec": lambda number: b"%d" % number,
    "hex": lambda number: b"%x" % number,
    "HEX": lambda number: b"%X" % number,
    "hex0": lambda number: b"%08x" % number,
    "dec10": lambda number: b"%010d" % number,
    "uuid": lambda number: str(UUID(int=number * _ODD % 2**128)).encode(),
}
_ODD = 0x9E3779B97F4A7C15F39CC0605CEDC835  # spreads the numbers over all digits, and back to one number only

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
        self._format = ID_FORMATS[knobs.id_dlr]
        text, self._has_tlvs = STYLES[knobs.dlr_style]
        self._text = _TEXTS[text]
        self._good = self._states(next(state for state, word in STATE_WORDS.items() if word == knobs.dlr_state))
        self._bad = self._states(MessageState.UNDELIVERABLE)

    def reports(self, accepted: list[Accepted], *, now: float) -> list[Report]:
        date = time.strftime("%y%m%d%H%M", time.gmtime(now)).encode()
        texts = {state: self._text_of(state, date) for state in {*self._good, *self._bad}}
        lost = self._knobs.dlr_lost_every
        reports: list[Report] = []
        for number, sender, recipient in accepted:
            if lost and (number - self._first) % lost == 0:
                continue
            message_id = self._format(number)
            for state in self._bad if self.fails(number) else self._good:
                text = texts[state].replace(b"\0", message_id)
                esm_class = INTERMEDIATE if state is MessageState.ENROUTE else RECEIPT
                body = deliver_body(recipient, sender, text, esm_class)
                reports.append((message_id, body + _tlvs(message_id, state) if self._has_tlvs else body))
        return reports

    def fails(self, number: int) -> bool:
        every = self._knobs.dlr_fail_every
        return bool(every) and (number - self._first) % every == 0

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


def message_from_a_phone() -> Report:
    return b"", deliver_body(b"491510000000", b"12345", b"id:1 stat:DELIVRD err:000 " + TRAP, 0)
