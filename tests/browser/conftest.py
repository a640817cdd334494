"""A real browser on the real web process: Chromium, where the machine has it."""

import shutil
from collections.abc import Iterator

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from accounts.models import User, Workspace
from accounts.roles import Role
from tests import factories
from tests.browser.door import Door
from tests.live import Installation, live, objects, workspace  # noqa: F401

ARGUMENTS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("THE BROWSER TESTS DID NOT RUN: there is no Chromium on this machine (.ci/run installs it).")
    # Playwright keeps a loop in this thread, which Django takes for asynchronous code.
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        launched = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture
def person(live: Installation, workspace: Workspace) -> User:  # noqa: F811
    live.start("web")
    person = factories.member(workspace, Role.AUTHOR)
    # As the web process hashes it; the tests have a cheaper way, which it does not know.
    person.password = Argon2PasswordHasher().encode(factories.PASSWORD, "salt for a test")
    person.save()
    return person


@pytest.fixture
def door(live: Installation, person: User) -> Iterator[Door]:  # noqa: F811
    door = Door(live.url)
    yield door
    door.close()


@pytest.fixture
def context(door: Door, person: User, browser: Browser) -> Iterator[BrowserContext]:
    """Signed in. What the page complains of, a refused script or an error in one, fails the test."""
    context = browser.new_context(base_url=door.url, viewport={"width": 1100, "height": 820})
    context.set_default_timeout(8_000)
    complaints: list[str] = []
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    context.on(
        "console", lambda message: complaints.append(message.text) if "Security Policy" in message.text else None
    )
    page = context.new_page()
    page.goto("/login/")
    page.get_by_label("Email").fill(person.email)
    page.get_by_label("Password").fill(factories.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{door.url}/")
    page.close()
    yield context
    context.close()
    assert complaints == []


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()
