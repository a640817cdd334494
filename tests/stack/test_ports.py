import socket

import pytest

from stack import environment, ports
from stack.environment import Ports

LOOPBACKS = {"127.0.0.1": socket.AF_INET, "::1": socket.AF_INET6}


def is_here(address: str) -> bool:
    try:
        socket.create_server((address, 0), family=LOOPBACKS[address]).close()
    except OSError:
        return False
    return True


@pytest.fixture(params=[address for address in LOOPBACKS if is_here(address)])
def taken(request):
    with socket.create_server((request.param, 0), family=LOOPBACKS[request.param]) as listener:
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
