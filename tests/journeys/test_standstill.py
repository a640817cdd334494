"""A process that is there and does nothing is found out by the work that is not done."""

import json
import os
import signal
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest

from tests.live import PATIENCE, SENDING, wait_for

pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.timeout(420)]


def asked(live, path):
    try:
        with urllib.request.urlopen(f"{live.url}{path}", timeout=PATIENCE) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@contextmanager
def standing_still(live, *names):
    for name in names:
        os.kill(live.pid(name), signal.SIGSTOP)
    try:
        yield
    finally:
        for name in names:
            os.kill(live.pid(name), signal.SIGCONT)


def test_work_that_stands_still_is_named_and_web_stays_in_service(live, workspace):
    live.start("web", "worker", "events", "webhooks", *SENDING)  # else nobody hears a queue, and that is late as well
    with live.carrier():
        wait_for(lambda: asked(live, "/workz")[0] == 200, seen=lambda: asked(live, "/workz"))
        for name, work in (("clock", "tick"), ("dispatch", "dispatch"), ("worker", "queues")):
            with standing_still(live, name):
                wait_for(lambda work=work: asked(live, "/workz")[1][work] == "late", seconds=180)
                assert asked(live, "/workz")[0] == 503
                assert asked(live, "/readyz")[0] == 200  # it could take requests, and nobody else could do better
