"""The SMSC's own record, the ground truth of every test: one line per event, fields between tabs, written in bulk.

    time  submit  bind  sequence  source  destination  data_coding  esm_class  content  message_id  status  \
                  registered  validity  service_type
    time  bind    bind  mode      system_id  status
    time  ack     bind  message_id  status
    time  unbind  bind  side

`time` is seconds since 1970. `bind` numbers the connections from 1. `sequence` may begin with zeros. `content` is the
first 16 hex digits of the SHA-256 of the short message with its header (or of message_payload), followed by the octet
of sar_segment_seqnum where there is one: the parts of a text differ. `message_id` is written as the client saw it: in
the answer, and in the receipt it acknowledges; it is empty where the submit was refused. `status` is a command_status,
0 for accepted. `registered` is registered_delivery, `validity` is validity_period. `side` says who began: esme or smsc.
A line is there before the client can have seen any reply. Fields are added at the end of a line only, and readers skip
what they do not know.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from simulator import submits
from smpp import bulk
from smpp.bulk import Octets


@dataclass(frozen=True, slots=True, kw_only=True)
class Submit:
    at: float
    bind: int
    sequence: int
    source: str
    destination: str
    data_coding: int
    esm_class: int
    content: str
    message_id: str
    status: int
    registered: int = 0
    validity: str = ""
    service_type: str = ""

    @property
    def is_accepted(self) -> bool:
        return self.status == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bind:
    at: float
    bind: int
    mode: str
    system_id: str
    status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    at: float
    bind: int
    message_id: str
    status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unbind:
    at: float
    bind: int
    side: str


Entry = Submit | Bind | Ack | Unbind


def read(path: Path) -> Iterator[Entry]:
    """The entries so far; a last line that is being written is left out."""
    with path.open(encoding="ascii") as lines:
        for line in lines:
            if line.endswith("\n"):
                yield _entry(line[:-1].split("\t"))


class Reader:
    """Follows a journal that is being written: the entries so far, each of them read once."""

    def __init__(self, path: Path) -> None:
        self._path, self._at = path, 0
        self._entries: list[Entry] = []

    def entries(self) -> list[Entry]:
        with self._path.open("rb") as file:
            file.seek(self._at)
            new = file.read()
        whole = new[: new.rfind(b"\n") + 1]
        self._at += len(whole)
        self._entries += [_entry(line.split("\t")) for line in whole.decode("ascii").split("\n")[:-1]]
        return self._entries.copy()


def _entry(fields: list[str]) -> Entry:
    at, bind = float(fields[0]), int(fields[2])
    match fields[1], fields[3:]:
        case "submit", [sequence, source, destination, data_coding, esm_class, content, message_id, status, *more]:
            registered, validity, service_type = more[:3] or ("0", "", "")
            return Submit(
                at=at,
                bind=bind,
                sequence=int(sequence),
                source=source,
                destination=destination,
                data_coding=int(data_coding),
                esm_class=int(esm_class),
                content=content,
                message_id=message_id,
                status=int(status),
                registered=int(registered),
                validity=validity,
                service_type=service_type,
            )
        case "bind", [mode, system_id, status]:
            return Bind(at=at, bind=bind, mode=mode, system_id=system_id, status=int(status))
        case "ack", [message_id, status]:
            return Ack(at=at, bind=bind, message_id=message_id, status=int(status))
        case "unbind", [side]:
            return Unbind(at=at, bind=bind, side=side)
    raise ValueError(f"not a line of a journal: {fields}")


@lru_cache(maxsize=1024)
def content(payload: bytes) -> str:
    return submits.content(payload).decode()


@lru_cache(maxsize=4096)
def _printable(value: bytes) -> str:
    """A string of the wire that cannot break a line or a field."""
    return value.decode("latin-1").encode("unicode_escape").decode("ascii")


class Lines:
    """The lines of one connection that are written together, at one instant."""

    def __init__(self, *, at: float, bind: int) -> None:
        self._at, self._bind = f"{at:.6f}", bind
        self._submit = f"{self._at}\tsubmit\t{bind}\t"
        self.text: list[bytes] = []

    def submit(self, sequence: int, body: bytes, said: submits.Submit, *, message_id: bytes, status: int) -> None:
        number = said.destination
        to = number.decode("ascii") if number.isdigit() else _printable(number)
        self.text.append(
            f"{self._submit}{sequence}\t{_printable(said.source)}\t{to}\t{said.data_coding}\t{said.esm_class}"
            f"\t{content(submits.said(body, said))}\t{message_id.decode('ascii')}\t{status}{_end(said)}".encode("ascii")
        )

    def submit_run(self, alike: submits.Alike, message_ids: Octets) -> None:
        """As `submit`, of accepted ones."""
        said = alike.first
        sequences = alike.sequences
        self.text.append(
            bulk.beside(
                len(alike),
                self._submit.encode("ascii"),
                bulk.digits(sequences, len(str(sequences.max()))),
                f"\t{_printable(said.source)}\t".encode("ascii"),
                alike.destinations,
                b"\t%d\t%d\t" % (said.data_coding, said.esm_class),
                alike.contents,
                b"\t",
                message_ids,
                f"\t0{_end(said)}".encode("ascii"),
            ).tobytes()
        )

    def bind(self, mode: str, system_id: bytes, status: int) -> None:
        self._add("bind", mode, _printable(system_id), str(status))

    def acks(self, message_ids: list[bytes] | Octets, status: int) -> None:
        if isinstance(message_ids, list):
            for message_id in message_ids:
                self._add("ack", message_id.decode("ascii"), str(status))
            return
        start = f"{self._at}\tack\t{self._bind}\t".encode("ascii")
        self.text.append(bulk.beside(len(message_ids), start, message_ids, b"\t%d\n" % status).tobytes())

    def unbind(self, side: str) -> None:
        self._add("unbind", side)

    def _add(self, event: str, *fields: str) -> None:
        self.text.append(("\t".join((self._at, event, str(self._bind), *fields)) + "\n").encode("ascii"))


def _end(said: submits.Submit) -> str:
    return f"\t{said.registered}\t{_printable(said.validity)}\t{_printable(said.service_type)}\n"


class Journal:
    """Appends whole lines, unbuffered: what is written stays, whatever happens to the process."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644) if path else None

    @property
    def is_kept(self) -> bool:
        return self._file is not None

    def write(self, lines: Lines) -> None:
        if self._file is not None and lines.text:
            view = memoryview(b"".join(lines.text))
            while view:
                view = view[os.write(self._file, view) :]

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
