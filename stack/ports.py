"""Loopback ports: the one that was wished for when it is free, another one otherwise."""

import socket


def is_free(port: int) -> bool:
    # Binding is not proof enough: beside a listener on 0.0.0.0 some systems let us bind 127.0.0.1.
    with socket.socket() as asking:
        asking.settimeout(1)
        if asking.connect_ex(("127.0.0.1", port)) == 0:
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
        with socket.socket() as binding:
            binding.bind(("127.0.0.1", 0))
            port = int(binding.getsockname()[1])
        if port not in taken:
            return port
