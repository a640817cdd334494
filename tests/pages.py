"""A browser for the tests of pages: somebody signed in, in a workspace."""

from html.parser import HTMLParser

from django.test import Client

from accounts.models import User, Workspace
from accounts.visits import STEP, WORKSPACE, Step


def signed_in(user: User, workspace: Workspace | None = None) -> Client:
    client = Client()
    client.force_login(user)
    session = client.session
    session[STEP] = Step.NONE  # as `visits.begin` says of somebody without a second one
    if workspace:
        session[WORKSPACE] = workspace.pk
    session.save()
    return client


def text_of(response) -> str:
    return " ".join(response.content.decode().split())


def form_of(response) -> dict[str, str]:
    """What a browser would send of the first form of the page that is sent to where the page is: as it stands."""
    reader = _FormReader()
    reader.feed(response.content.decode())
    return reader.fields


class _FormReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self._is_within = self._is_over = False
        self._at = ""  # the field that has its value in what follows

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag == "form":
            self._is_within = not self._is_over and "action" not in told
        name = told.get("name") or ""
        if not self._is_within or name == "csrfmiddlewaretoken" or (not name and tag != "option"):
            return
        if tag == "input" and told.get("type") not in ("submit", "button", "file"):
            if told.get("type") not in ("checkbox", "radio") or "checked" in told:
                self.fields[name] = told.get("value") or ("on" if told.get("type") == "checkbox" else "")
        elif tag in ("select", "textarea"):
            self._at, self.fields[name] = name, ""
        elif tag == "option" and "selected" in told:
            self.fields[self._at] = told.get("value") or ""

    def handle_data(self, data: str) -> None:
        if self._at and self.lasttag == "textarea":
            self.fields[self._at] += data

    def handle_endtag(self, tag: str) -> None:
        if tag in ("select", "textarea"):
            self.fields[self._at] = self.fields[self._at].removeprefix("\n")  # a first one is no part of a textarea
            self._at = ""
        elif tag == "form" and self._is_within:
            self._is_within, self._is_over = False, True
