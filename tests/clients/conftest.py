"""Clients of the platform in this process, and of servers that say what a test wants."""

from collections.abc import Callable

import httpx
import pytest
from message_center_client import Client
from rest_framework.test import APIClient

from accounts.models import Workspace
from tests import factories

Speak = Callable[..., Client]


def _ask_here(request: httpx.Request) -> httpx.Response:
    given = {name: value for name, value in request.headers.items() if name not in ("content-type", "content-length")}
    kind = request.headers.get("Content-Type", "application/octet-stream")
    path = request.url.raw_path.decode()
    answer = APIClient().generic(request.method, path, request.read(), kind, headers=given)  # type: ignore[arg-type]
    return httpx.Response(answer.status_code, headers=dict(answer.items()), content=b"".join(answer))


class Here(httpx.BaseTransport):
    """The real API, without a server in between. `breaks` may cut a call off, before or after it is done."""

    def __init__(self, breaks: Callable[[httpx.Request, bool], None]) -> None:
        self._breaks = breaks

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._breaks(request, False)
        answer = _ask_here(request)
        self._breaks(request, True)
        return answer


@pytest.fixture
def speak(workspace: Workspace) -> Speak:
    """A client with this key, or one of the workspace's."""

    def client(
        secret: str = "", *, breaks: Callable[[httpx.Request, bool], None] = lambda request, is_done: None
    ) -> Client:
        key = secret or factories.api_key(workspace)[1]
        return Client("http://testserver", key=key, transport=Here(breaks))

    return client


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    taken: list[float] = []
    monkeypatch.setattr("time.sleep", taken.append)
    return taken
