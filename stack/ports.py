"""Loopback ports: the one that was wished for when it is free, another one otherwise."""

import secrets
import socket

# Below those that a system lends to connections (Linux from 32768 on, others later): what is picked is still free when
# somebody listens at it.
NOT_LENT = range(10_000, 32_768)


def is_free(port: int) -> bool:
    # Binding is not proof enough: beside a listener on 0.0.0.0 some systems let us bind 127.0.0.1, and a browser that
    # is told localhost asks at ::1 first.
    if _answers("127.0.0.1", port) or _answers("::1", port):
        return False
    with socket.socket() as binding:
        binding.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            binding.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def pick(*, wished: int = 0, taken: frozenset[int] = frozenset()) -> int:
    """A free port that is not in `taken`: `wished`, else one of the hundred above it, else any."""
    if wished:
        for port in range(wished, min(wished + 100, 65536)):
            if port not in taken and is_free(port):
                return port
    while True:
        port = secrets.choice(NOT_LENT)
        if port not in taken and is_free(port):
            return port


def _answers(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=1).close()
    except OSError:  # also where there is no IPv6
        return False
    return True
