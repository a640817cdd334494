"""One POST to a receiver that nobody here vouches for: to the address that was looked at, within a time, no further.

Nothing of the environment is used (proxies, cookies, netrc), no redirect is followed, and of the answer only its
beginning is read. `http.client` over a socket of our own: between the look at the address and the connection to it
stands no library that asks the resolver once more.
"""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache

from audit.refusal import Refused
from webhooks import wall
from webhooks.wall import Address, Target, Walled

WITHIN = 15.0  # seconds, from the question for the address to the last byte that is read
KEPT = 1024  # octets of the answer
GONE = 410


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`status` is None when there was none, and `trouble` says why."""

    status: int | None
    beginning: str
    trouble: str
    seconds: float

    @property
    def is_delivered(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        return self.status == GONE


def post(url: str, body: bytes, headers: Mapping[str, str], *, within: float = WITHIN) -> Answer:
    began = time.monotonic()
    status, beginning, trouble = None, b"", ""
    try:
        target = wall.target_of(url)
        address = wall.reach(target, within=within)
        with _connected(target, address, until=began + within) as connection:
            connection.request("POST", target.path, body, {"Host": target.netloc, **_OURS, **headers})
            answer = connection.getresponse()
            status = answer.status
            beginning = _beginning(answer)
    except Refused as refused:  # what was allowed when the endpoint was made
        trouble = refused.message
    except Walled as walled:
        trouble = f"Refused: {walled}."
    except ssl.SSLCertVerificationError as error:
        trouble = f"Its certificate is not good: {error.verify_message}."
    except (OSError, http.client.HTTPException) as error:
        spent = time.monotonic() - began >= within
        trouble = f"No answer in {within:g} seconds." if spent else f"No answer: {str(error) or type(error).__name__}."
    return Answer(
        status=status,
        beginning=beginning.decode("utf-8", "replace").replace("\0", "\ufffd"),
        trouble=trouble,
        seconds=time.monotonic() - began,
    )


_OURS = {
    "User-Agent": "message-center-webhooks/1",
    "Content-Type": "application/json",
    "Accept-Encoding": "identity",
    "Connection": "close",
}


def _beginning(answer: http.client.HTTPResponse) -> bytes:
    """What comes of it in time: the status has been said, and a body that does not end is nobody's trouble."""
    try:
        return answer.read(KEPT)
    except http.client.IncompleteRead as error:
        return error.partial
    except (OSError, http.client.HTTPException):
        return b""


@contextmanager
def _connected(target: Target, address: Address, *, until: float) -> Iterator[http.client.HTTPConnection]:
    """Each wait of a socket begins anew with each octet that comes, so at the end of the time the connection is cut by
    somebody else: a receiver that dribbles has no more of it than one that is silent."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    plain = socket.create_connection((str(address), target.port), timeout=left)
    handle = plain.dup()  # of ours until the end: a number of a file that was closed may be another one's by then
    watch = threading.Timer(max(0.0, until - time.monotonic()), _cut, [handle])
    watch.daemon = True
    watch.start()
    connection = http.client.HTTPConnection(target.host, target.port)
    try:
        connection.sock = _context().wrap_socket(plain, server_hostname=target.host) if target.is_secure else plain
        yield connection
    finally:
        watch.cancel()
        watch.join()
        connection.close()
        plain.close()
        handle.close()


def _cut(handle: socket.socket) -> None:
    with suppress(OSError):  # it has gone by itself
        handle.shutdown(socket.SHUT_RDWR)


@cache
def _context() -> ssl.SSLContext:
    """The machine's authorities; the name is asked for (SNI) and checked, whatever address it is at."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
