"""People at the pages: each in a browser of their own, signed in. What a page complains of is kept."""

import re
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.hashers import Argon2PasswordHasher
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from accounts.models import User
from tests import factories

PATIENCE = 45_000  # milliseconds until something is there, on a machine that others keep busy
expect.set_options(timeout=PATIENCE)

TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')
UNREMARKABLE = re.compile("status of 4|net::ERR_|^htmx:(afterRequest|sendAbort|sendError)")


def welcome(*people: User) -> None:
    """Their passwords as the web process hashes them; the tests have a cheaper way, which it does not know."""
    hashed = Argon2PasswordHasher().encode(factories.PASSWORD, "salt for a test")
    User.objects.filter(pk__in=[person.pk for person in people]).update(password=hashed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)  # a refused script, an error in one, a file that is not there

    def leave(self) -> None:
        self.context.close()
        assert self.complaints == []


def visit(browser: Browser, url: str, person: User | None = None, **look: Any) -> Visitor:
    """Signed in, if it is somebody, without a look at a page."""
    context = browser.new_context(base_url=url, **{"viewport": {"width": 1100, "height": 820}, **look})
    context.set_default_timeout(PATIENCE)
    visitor = Visitor(context=context, page=context.new_page())
    context.on("weberror", lambda error: visitor.complaints.append(str(error.error)))
    context.on("console", lambda said: visitor.complaints.append(said.text) if _is_complaint(said) else None)
    if person:
        _sign_in(context, person)
    return visitor


def _is_complaint(said: ConsoleMessage) -> bool:
    """Not that a page of an error is one, nor that what was asked for is wanted no more, or its way was cut."""
    return said.type == "error" and not UNREMARKABLE.search(said.text)


def _sign_in(context: BrowserContext, person: User) -> None:
    token = TOKEN.search(context.request.get("/login/").text())
    assert token
    given = {"csrfmiddlewaretoken": token[1], "username": person.email, "password": factories.PASSWORD}
    answer = context.request.post("/login/", form=given, max_redirects=0)
    assert answer.status == 302, answer.text()


def sign_in_at(page: Page, person: User) -> None:
    """At the page that asks for it, as people do."""
    page.get_by_label("Email").fill(person.email)
    page.get_by_label("Password").fill(factories.PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def led_on(page: Page) -> Page:
    """The page to which a click has led, with its scripts: what is done before they are there they do not hear."""
    page.wait_for_load_state()
    return page
