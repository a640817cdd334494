import socket

import pytest

from stack import environment, ports
from stack.environment import Ports


@pytest.fixture
def taken():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_free_port_is_taken_as_wished():
    free = ports.pick()
    assert ports.pick(wished=free) == free


def test_a_taken_port_is_replaced_by_a_neighbour(taken):
    assert taken < ports.pick(wished=taken) < taken + 100


def test_one_port_is_not_given_out_twice():
    free = ports.pick()
    chosen = environment.pick_ports(Ports(web=free, flower=free, smsc=free))
    assert len({chosen.web, chosen.flower, chosen.smsc}) == 3
