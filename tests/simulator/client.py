"""A client that a test can read: a blocking socket, a session, and everything that came, kept in order."""

import socket
import time
from contextlib import suppress

from smpp import pdu
from smpp.hot import deliver_sm_resps
from smpp.receipts import Receipt, parse
from smpp.session import FramingError, Received, Role, Session

PATIENCE = 60.0  # seconds, of which only what goes wrong takes more than a few
TEXT = b"hello"


class Esme:
    def __init__(self, port: int, *, acknowledges: int | None = 0) -> None:
        """`acknowledges` is the status that receipts are answered with; None leaves them unanswered."""
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.session = Session(Role.ESME)
        self.acknowledges = acknowledges
        self.answers: list[tuple[int, int, bytes]] = []
        self.bodies: list[bytes] = []
        self.pdus: list[pdu.Pdu] = []
        self.reads: list[int] = []
        self.is_cut = False
        self.is_out_of_step = False

    def __enter__(self) -> "Esme":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    @property
    def receipts(self) -> list[Receipt]:
        return [receipt for body in self.bodies if (receipt := parse(body))]

    @property
    def statuses(self) -> list[int]:
        """In the order of the submits."""
        return [status for _, status, _ in sorted(self.answers)]

    @property
    def ids(self) -> list[str]:
        return [message_id.decode() for _, status, message_id in sorted(self.answers) if not status]

    def send(self, one: pdu.Pdu) -> None:
        self.socket.sendall(self.session.send(one))

    def bind(
        self, kind: type[pdu.Bind] = pdu.BindTransceiver, *, system_id: bytes = b"shop", password: bytes = b"pw"
    ) -> int:
        """The command_status of the answer."""
        self.send(kind(system_id=system_id, password=password))
        self.wait(lambda: self.of_kind(pdu.BindResp))
        return self.of_kind(pdu.BindResp)[-1].status

    def submit(self, *destinations: bytes, **values: object) -> None:
        """All in one write; the answers are not awaited."""
        fields = {"source_addr": b"Shop", "registered_delivery": 1, "short_message": TEXT} | values
        self.socket.sendall(
            b"".join(self.session.send(pdu.SubmitSm(destination_addr=d, **fields)) for d in destinations)
        )

    def submit_many(self, count: int, **values: object) -> None:
        self.submit(*(b"4915%08d" % number for number in range(1, count + 1)), **values)

    def of_kind(self, kind: type[pdu.Pdu]) -> list:
        return [one for one in self.pdus if isinstance(one, kind)]

    def wait(self, until) -> None:
        """Read until it is so."""
        deadline = time.monotonic() + PATIENCE
        while not until():
            left = deadline - time.monotonic()
            assert left > 0, f"waited {PATIENCE} s in vain; {len(self.answers)} answers, {len(self.bodies)} receipts"
            assert not self.is_cut, "the connection was cut"
            self.read(left)

    def listen(self, seconds: float) -> None:
        """Read whatever comes in that time."""
        deadline = time.monotonic() + seconds
        while not self.is_cut and (left := deadline - time.monotonic()) > 0:
            self.read(left)

    def read(self, patience: float) -> None:
        self.socket.settimeout(patience)
        data = b""
        with suppress(TimeoutError):
            try:
                data = self.socket.recv(65536)
                self.is_cut = not data
            except ConnectionResetError:
                self.is_cut = True
        if not data:
            return
        self.reads.append(len(data))
        try:
            self._take(self.session.receive(data))
        except FramingError as error:
            self.is_out_of_step = True
            self._take(error.received)

    def _take(self, received: Received) -> None:
        assert received.errors == []
        self.answers += received.answers
        self.bodies += [body for _, body in received.deliveries]
        self.pdus += received.pdus
        if received.deliveries and self.acknowledges is not None:
            sequences = [sequence for sequence, _ in received.deliveries]
            self.socket.sendall(deliver_sm_resps(sequences, self.acknowledges))
