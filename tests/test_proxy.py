"""The line to a server that stories are played over."""

import socket

import pytest

from tests.faults.proxy import Proxy


@pytest.mark.parametrize("is_held", [False, True])
def test_a_line_that_ends_with_open_connections_says_nothing(is_held, caplog):
    with socket.create_server(("127.0.0.1", 0)) as server:
        line = Proxy(port=server.getsockname()[1])
        with socket.create_connection(("127.0.0.1", line.port)) as client:
            far, _address = server.accept()
            if is_held:
                line.hold()
            client.sendall(b"hello")
            line.close()
            far.close()
    assert [one for one in caplog.records if one.name == "asyncio"] == []
