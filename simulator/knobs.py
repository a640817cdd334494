"""Everything that can be asked of the simulator, with its default: a well-behaved SMSC.

`--dlr-delay-ms 500` and `DLR_DELAY_MS=500` are the same; the option wins. Where a knob says "every n-th", 0 is never,
and it counts over all connections together. One submit has one fault: what is due beside another comes with the next.
"""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from smpp.receipts import STATE_WORDS

ID_FORMATS = ("dec", "hex", "HEX", "hex0", "dec10", "uuid")
DLR_STYLES = ("text", "tlv", "both", "variant", "unlike")


def _knob(default: Any, about: str, *, choices: Iterable[str] = ()) -> Any:
    return field(default=default, metadata={"about": about, "choices": tuple(choices) or None})


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    host: str = _knob("127.0.0.1", "address to listen on")
    port: int = _knob(2775, "port to listen on; 0 takes a free one and says which")
    journal: str = _knob("", "file that every submit is appended to before any reply (simulator/journal.py reads it)")
    system_id: str = _knob("", "the only system_id that may bind; empty: any")
    password: str = _knob("", "its password; empty: any")

    resp_delay_ms: int = _knob(0, "delay of each answer to a submit")
    reorder: int = _knob(0, "answer in groups of n, each backwards")
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
    dlr_window: int = _knob(5000, "receipts that wait for their acknowledgement on one bind at most")

    throttle_every: int = _knob(0, "every n-th submit is refused with 0x58")
    qfull_every: int = _knob(0, "every n-th submit is refused with 0x14")
    syserr_every: int = _knob(0, "every n-th submit is refused with 0x08")
    nack_every: int = _knob(0, "every n-th submit is refused with a generic_nack of its sequence, 0x08")
    bad_suffix: str = _knob("", "numbers that end so are refused with 0x0B")
    max_window: int = _knob(
        0, "submits that find more than n unanswered on their bind are refused with 0x58; 0: no limit"
    )
    tps: int = _knob(0, "submits above n in any second are refused with 0x58; 0: no limit")

    drop_every: int = _knob(0, "every n-th submit is accepted, then the connection is cut before the answer")
    drop_after_every: int = _knob(0, "every n-th submit is answered, then the connection is cut")
    noresp_every: int = _knob(0, "every n-th submit is accepted and never answered")
    unbind_every: int = _knob(0, "after every n-th submit the SMSC unbinds")
    length_bomb_after: int = _knob(0, "after the n-th submit a PDU announces a length of 2 GiB, once")
    split_writes: bool = _knob(False, "everything leaves in pieces of 1 to 7 bytes")
    elink_ms: int = _knob(0, "the SMSC sends enquire_link this often; 0: never")
    mute_elink: bool = _knob(False, "the client's enquire_link is not answered")
    bind_fail_first: int = _knob(0, "the first n binds are refused with 0x0D")
    mo_on_bind: bool = _knob(
        False, "a message from a phone, dressed up as a receipt, follows each bind that can receive"
    )


def add_arguments(parser: ArgumentParser, environ: Mapping[str, str]) -> None:
    """An option per knob; its default is the environment's, else the knob's own."""
    for knob in fields(Knobs):
        reader: Callable[[str], object] = _flag if knob.type is bool else knob.type  # type: ignore[assignment]
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
