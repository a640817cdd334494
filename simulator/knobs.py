"""Everything that can be asked of the simulator, with its default: a well-behaved SMSC.

`--dlr-delay-ms 500` and `DLR_DELAY_MS=500` are the same; the option wins. Where a knob says "every n-th", 0 is never,
and it counts over all connections together. One submit has one fault: what is due beside another comes with the next.
"""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

from smpp.receipts import STATE_WORDS

ID_FORMATS = ("dec", "hex", "HEX", "hex0", "dec10", "uuid")
DLR_STYLES = ("text", "tlv", "both", "variant", "unlike")


MO_CODINGS = {0: "latin-1", 1: "ascii", 3: "latin-1", 6: "iso8859-5", 7: "iso8859-8", 8: "utf-16-be"}


class Refusal(NamedTuple):
    suffix: bytes
    status: int
    tries: int
    """Of each number, that are refused; 0: all."""


def refusals(table: str) -> tuple[Refusal, ...]:
    """`07=0x0B,1=0x14*2`: numbers that end with 07 are refused, those that end with 1 twice each."""
    found = []
    for entry in filter(None, table.split(",")):
        suffix, _, answer = entry.strip().partition("=")
        code, _, tries = answer.partition("*")
        found.append(Refusal(suffix.encode("ascii"), int(code, 0), int(tries) if tries else 0))
        if not (suffix and 0 < found[-1].status < 2**32):
            raise ValueError(f"{entry!r} is not suffix=code or suffix=code*n")
    return tuple(found)


def _table(value: str) -> str:
    try:
        refusals(value)
    except ValueError as error:
        raise ArgumentTypeError(f"{value!r} is not suffix=code,…: {error}") from None
    return value


def _code(value: str) -> int:
    try:
        return int(value, 0)
    except ValueError:
        raise ArgumentTypeError(f"{value!r} is not a number, as 8 or 0x08") from None


def _percent(value: str) -> int:
    if not value.isdigit() or int(value) > 100:
        raise ArgumentTypeError(f"{value!r} is not 0 to 100")
    return int(value)


def _coding(value: str) -> int:
    if not value.isdigit() or int(value) not in MO_CODINGS:
        raise ArgumentTypeError(f"{value!r} is none of {', '.join(map(str, MO_CODINGS))}")
    return int(value)


def _knob(
    default: Any, about: str, *, choices: Iterable[str] = (), reader: Callable[[str], object] | None = None
) -> Any:
    return field(default=default, metadata={"about": about, "choices": tuple(choices) or None, "reader": reader})


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    host: str = _knob("127.0.0.1", "address to listen on")
    port: int = _knob(2775, "port to listen on; 0 takes a free one and says which")
    journal: str = _knob("", "file that every submit is appended to before any reply (simulator/journal.py reads it)")
    system_id: str = _knob("", "the only system_id that may bind; empty: any")
    password: str = _knob("", "its password; empty: any")
    tls_cert: str = _knob("", "file with the certificate, and those that signed it, for TLS; empty: no TLS")
    tls_key: str = _knob("", "file with its key; empty: in the file of the certificate")

    resp_delay_ms: int = _knob(0, "delay of each answer to a submit")
    reorder: int = _knob(0, "answer in groups of n, each backwards")
    late_every: int = _knob(0, "the answer to every n-th submit is later than the others")
    late_ms: int = _knob(1000, "how late that is")
    unknown_resp_every: int = _knob(
        0, "after the answer to every n-th submit come one to a sequence that was never sent, and itself again"
    )
    congestion: int = _knob(0, "congestion_state in each answer that has an id, 1 to 100; 0: none", reader=_percent)
    id_start: int = _knob(
        0, "the first message has the next number as its id; 0: by the clock, so that ids stay unique"
    )
    id_resp: str = _knob(
        "hex",
        "how an answer writes the message id; hex0 and dec10 pad to 8 and 10 digits, which only a small id_start shows",
        choices=ID_FORMATS,
    )
    id_dlr: str = _knob("hex", "how a receipt writes the message id", choices=ID_FORMATS)

    dlr_delay_ms: int = _knob(1000, "delay of receipts after the submit")
    dlr_before_resp: bool = _knob(False, "receipts at once, before the answer to their submit")
    dlr_style: str = _knob("text", "where receipts say it; unlike: text and parameters differ", choices=DLR_STYLES)
    dlr_dup: int = _knob(1, "each receipt comes n times")
    dlr_intermediate: int = _knob(
        0, "1: ENROUTE before and again after the final one, 2: only ENROUTE, 3: only ACCEPTD"
    )
    dlr_lost_every: int = _knob(0, "every n-th accepted message never gets a receipt")
    dlr_fail_every: int = _knob(
        0, "every n-th accepted message is reported as UNDELIV, error 001, unless its receipt is lost"
    )
    dlr_state: str = _knob("DELIVRD", "what receipts say", choices=STATE_WORDS.values())
    dlr_other_bind: bool = _knob(False, "receipts go to another bind of the same system_id, if there is one")
    dlr_retry_ms: int = _knob(10_000, "a receipt that is refused, or not acknowledged by then, comes again")
    dlr_only_last_part: bool = _knob(False, "of the parts of a long message only the last gets a receipt")
    hold_dlr: bool = _knob(
        False, "receipts wait for SIGUSR1; it releases all that wait by then, with or without this knob, at once"
    )
    dlr_window: int = _knob(5000, "receipts that wait for their acknowledgement on one bind at most")

    throttle_every: int = _knob(0, "every n-th submit is refused with 0x58")
    qfull_every: int = _knob(0, "every n-th submit is refused with 0x14")
    syserr_every: int = _knob(0, "every n-th submit is refused with 0x08")
    nack_every: int = _knob(0, "every n-th submit is refused with a generic_nack of its sequence, 0x08")
    bad_suffix: str = _knob("", "numbers that end so are refused with 0x0B")
    answers: str = _knob(
        "", "suffix=code,…: numbers that end so are refused with it, each time or, with code*n, n times", reader=_table
    )
    answer_all: int = _knob(0, "every submit is refused with this code", reader=_code)
    max_window: int = _knob(
        0, "submits that find more than n unanswered on their bind are refused with 0x58; 0: no limit"
    )
    tps: int = _knob(0, "submits above n in any second are refused with 0x58; 0: no limit")

    drop_every: int = _knob(0, "every n-th submit is accepted, then the connection is cut before the answer")
    drop_after_every: int = _knob(0, "every n-th submit is answered, then the connection is cut")
    noresp_every: int = _knob(0, "every n-th submit is accepted and never answered")
    unbind_every: int = _knob(0, "after every n-th submit the SMSC unbinds")
    nack_zero_after: int = _knob(0, "after the n-th submit a generic_nack with sequence 0, once")
    length_bomb_after: int = _knob(0, "after the n-th submit a PDU announces a length of 2 GiB, once")
    split_writes: bool = _knob(False, "everything leaves in pieces of 1 to 7 bytes")
    elink_ms: int = _knob(0, "the SMSC sends enquire_link this often; 0: never")
    mute_elink: bool = _knob(False, "the client's enquire_link is not answered")
    bind_fail_first: int = _knob(0, "the first n binds are refused with 0x0D, or BIND_CODE")
    bind_code: int = _knob(0, "binds are refused with this code: the first BIND_FAIL_FIRST, or all", reader=_code)

    mo_on_bind: bool = _knob(False, "a message from a phone follows each bind that can receive")
    mo_every_ms: int = _knob(0, "a message from a phone comes this often, by each such bind in turn; 0: never")
    mo_text: str = _knob(
        "id:1 stat:DELIVRD err:000 text:id:999 stat:UNDELIV", "what it says; unasked, it is dressed up as a receipt"
    )
    mo_from: str = _knob("491510000000", "who sent it")
    mo_to: str = _knob("12345", "to which number")
    mo_coding: int = _knob(
        0, f"its data_coding: {', '.join(f'{n} {name}' for n, name in MO_CODINGS.items())}", reader=_coding
    )


def add_arguments(parser: ArgumentParser, environ: Mapping[str, str]) -> None:
    """An option per knob; its default is the environment's, else the knob's own."""
    for knob in fields(Knobs):
        reader: Callable[[str], object] = knob.metadata["reader"] or (
            _flag if knob.type is bool else knob.type  # type: ignore[assignment]
        )
        if knob.metadata["choices"]:
            reader = _one_of(knob.metadata["choices"])
        parser.add_argument(
            "--" + knob.name.replace("_", "-"),
            # A text as default goes through `type` as one from the command line does.
            default=environ.get(knob.name.upper(), str(knob.default)),
            type=reader,
            choices=knob.metadata["choices"],
            nargs="?" if knob.type is bool else None,
            const=True if knob.type is bool else None,
            help=f"{knob.metadata['about']} ({knob.default!s})" if str(knob.default) else knob.metadata["about"],
        )


def _one_of(choices: tuple[str, ...]) -> Callable[[str], str]:
    """`choices` holds only what stands on the command line; a default from the environment goes through this too."""

    def read(value: str) -> str:
        if value not in choices:
            raise ArgumentTypeError(f"{value!r} is none of {', '.join(choices)}")
        return value

    return read


def of(options: Mapping[str, Any]) -> Knobs:
    return Knobs(**{knob.name: options[knob.name] for knob in fields(Knobs)})


def _flag(value: str) -> bool:
    match value:
        case "1" | "True":
            return True
        case "0" | "False":
            return False
        case other:
            raise ValueError(f"{other!r} is neither 1 nor 0")
