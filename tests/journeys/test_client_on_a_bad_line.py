"""clients/python over a line that breaks, to the server as it runs: what was asked is done, and once."""

import io
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from message_center_client import Client, Failed, Unreachable

from audit.models import Entry
from campaigns.statuses import Status
from tests import factories
from tests.faults.proxy import Proxy, Rule

pytestmark = pytest.mark.live

FILE = b"".join(b"+3161%07d\n" % number for number in range(2_000_000))  # 26 MB: four pieces


@pytest.fixture
def line(live):
    live.start("web", "worker")
    proxy = Proxy(port=urlsplit(live.url).port)
    yield proxy
    proxy.close()


@contextmanager
def dialled(line, workspace, *, attempts):
    with Client(f"http://127.0.0.1:{line.port}", key=factories.api_key(workspace)[1], attempts=attempts) as center:
        yield center


@pytest.fixture
def center(line, workspace):
    """With patience for a server that is still at the attempt before."""
    with dialled(line, workspace, attempts=8) as center:
        yield center


def test_a_file_arrives_whole_though_the_line_breaks_in_the_middle_of_it_and_when_its_arrival_is_told(center, line):
    in_a_piece = Rule(on=rb"\+3161090\d{4}\n", action="cut", times=1)
    at_its_end = Rule(on=rb"\+3161199999\d\n", action="lose", times=1)
    line.rules += [in_a_piece, at_its_end]
    listed = center.lists.send(io.BytesIO(FILE), name="Customers", filename="customers.txt")
    assert (in_a_piece.used, at_its_end.used) == (1, 1)
    totals = center.lists.wait(listed["id"])["totals"]
    assert (totals["rows"], totals["accepted"]) == (2_000_000, 2_000_000)


def test_a_list_whose_file_was_no_good_gets_another_one(center):
    listed = center.lists.send(io.BytesIO(b"nobody\n"), name="Customers", filename="customers.txt")
    with pytest.raises(Failed, match="no valid number"):
        center.lists.wait(listed["id"])
    center.lists.upload(listed["id"], io.BytesIO(b"+31612345678\n"))
    assert center.lists.wait(listed["id"])["totals"]["accepted"] == 1


def test_a_message_whose_answer_is_lost_is_taken_once(center, line, workspace):
    campaign = factories.trigger(workspace, text="Your order is on its way.")
    line.rules.append(Rule(on=b'"to": "\\+31612345678"', action="lose", times=2))
    taken = center.messages.push(campaign.pk, to="+31612345678")  # without a key of its own
    assert center.messages.get(campaign.pk, taken["id"])["to"] == "+31612345678"
    assert center.campaigns.get(campaign.pk)["totals"]["accepted"] == 1


def test_a_verb_whose_answer_is_lost_answers_as_if_it_was_not(center, line, workspace):
    campaign = factories.sending(workspace)
    line.rules.append(Rule(on=rb"A typo\.", action="lose", times=1))
    assert center.campaigns.pause(campaign.pk, "A typo.")["status"] == Status.PAUSED
    assert Entry.objects.filter(action="campaign.paused", subject_id=str(campaign.pk)).count() == 1


def test_a_line_that_stays_broken_is_said_to_be(line, workspace):
    line.refuse(True)
    with dialled(line, workspace, attempts=3) as center, pytest.raises(Unreachable):
        center.campaigns.get(1)
