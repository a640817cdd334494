"""A real browser on the real web process: Chromium, where the machine has it."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from accounts.models import User, Workspace
from accounts.roles import Role
from tests import factories
from tests.browser.door import Door
from tests.browser.visitors import PATIENCE, Visitor, visit, welcome
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
        launched = playwright.chromium.launch(executable_path=found, args=ARGUMENTS, timeout=2 * PATIENCE)
        yield launched
        launched.close()


@pytest.fixture
def person(live: Installation, workspace: Workspace) -> User:  # noqa: F811
    live.start("web")
    person = factories.member(workspace, Role.AUTHOR)
    welcome(person)
    return person


@pytest.fixture
def door(live: Installation, person: User) -> Iterator[Door]:  # noqa: F811
    door = Door(live.url)
    yield door
    door.close()


@pytest.fixture
def visitor(door: Door, person: User, browser: Browser) -> Iterator[Visitor]:
    """What the page complains of fails the test."""
    visitor = visit(browser, door.url, person)
    yield visitor
    visitor.leave()


@pytest.fixture
def context(visitor: Visitor) -> BrowserContext:
    return visitor.context


@pytest.fixture
def page(visitor: Visitor) -> Page:
    return visitor.page
