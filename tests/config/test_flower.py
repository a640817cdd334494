"""Flower, as its operators meet it: behind a password, for looking only, with tasks by their names."""

import base64
import os
import runpy
import subprocess
import urllib.error
import urllib.request

import pytest
from django.core.exceptions import ImproperlyConfigured

from stack import ROOT, ports
from tests.live import wait_for

PASSWORD = "operator:a long word"


def flower(port: int, **given: str) -> subprocess.Popen[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("FLOWER_")}
    env |= {"FLOWER_PORT": str(port), "DJANGO_SETTINGS_MODULE": "config.settings", **given}
    return subprocess.Popen(
        [ROOT / "deploy" / "process", "flower"], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


@pytest.mark.parametrize("given", [None, "", "operator", "operator:", ":word"])
def test_it_does_not_start_without_a_password(monkeypatch, given):
    monkeypatch.delenv("FLOWER_BASIC_AUTH", raising=False)
    if given is not None:
        monkeypatch.setenv("FLOWER_BASIC_AUTH", given)
    with pytest.raises(ImproperlyConfigured, match="FLOWER_BASIC_AUTH"):
        runpy.run_path(str(ROOT / "config" / "flower.py"))


def asked(url: str, *, method: str = "GET", password: str = "") -> int:
    headers = {"Authorization": f"Basic {base64.b64encode(password.encode()).decode()}"} if password else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method, headers=headers), timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except OSError:
        return 0


@pytest.mark.live
def test_it_shows_nothing_without_the_password_and_does_nothing_with_it():
    port = ports.pick()
    with flower(port, FLOWER_BASIC_AUTH=PASSWORD) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            wait_for(lambda: asked(f"{url}/healthcheck") == 200)
            pages = ["/", "/tasks", "/metrics", "/api/tasks"]
            assert {page: asked(url + page) for page in pages} == dict.fromkeys(pages, 401)
            assert {page: asked(url + page, password="operator:another") for page in pages} == dict.fromkeys(pages, 401)
            assert {page: asked(url + page, password=PASSWORD) for page in pages} == dict.fromkeys(pages, 200)
            assert asked(f"{url}/api/worker/shutdown/some", method="POST", password=PASSWORD) == 403
        finally:
            process.terminate()
            process.communicate(timeout=60)


def test_a_task_is_called_by_its_room_its_verb_and_what_it_is_about(monkeypatch):
    monkeypatch.setenv("FLOWER_BASIC_AUTH", PASSWORD)
    conf = runpy.run_path(str(ROOT / "config" / "flower.py"))

    class Task:
        def __init__(self, name, args):
            self.name, self.args = name, args

    def shown(name, args="()"):
        return conf["format_task"](Task(name, args)).name

    assert shown("delivery.tasks.dispatch", "(17,)") == "delivery: dispatch · chunk_id 17"
    assert shown("delivery.tasks.match_receipts") == "delivery: match receipts"
    assert shown("delivery.tasks.dispatch", "(1, 2, ...") == "delivery: dispatch · (1, 2, ..."
    assert shown("celery.backend_cleanup") == "celery.backend_cleanup"
