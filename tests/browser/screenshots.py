"""Pictures of the main pages for docs/screenshots: `python -m tests.browser.screenshots [--into DIR] [--only NAME]…`.

It starts stores and a web process of its own, fills a workspace, signs in, and stops everything again.
"""

import argparse
import os
import shutil
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import django
from playwright.sync_api import Browser, Page, sync_playwright

from stack import ROOT, environment, processes, stores
from stack.environment import Ports
from stack.processes import Processes

# The file's name: who looks, at which page of the walk, in which theme, how wide.
PICTURES = {
    "dashboard": ("author", "dashboard", "light", 1280),
    "campaigns": ("author", "campaigns", "light", 1280),
    "wizard": ("author", "campaign-message", "light", 1280),
    "campaign": ("author", "campaign-sending", "light", 1280),
    "campaign_recipients": ("author", "campaign-recipients-tab", "light", 1280),
    "campaign_errors": ("author", "campaign-errors", "light", 1280),
    "campaign_content": ("author", "campaign-sealed", "light", 1280),
    "campaign_exports": ("author", "campaign-exports", "light", 1280),
    "statistics": ("author", "statistics", "light", 1280),
    "lists": ("author", "lists", "light", 1280),
    "list": ("author", "list-ready", "light", 1280),
    "sender": ("author", "sender", "light", 1280),
    "members": ("admin", "members-managed", "light", 1280),
    "moderation_queue": ("moderator", "desk-queue", "light", 1280),
    "moderation": ("moderator", "desk-review", "light", 1280),
    "dashboard_dark": ("author", "dashboard", "dark", 1280),
    "campaign_dark": ("author", "campaign-sending", "dark", 1280),
    "dashboard_phone": ("author", "dashboard", "light", 390),
    "campaign_phone": ("author", "campaign-sending", "light", 390),
}
PATIENCE = 60.0  # seconds for the web process to answer


@contextmanager
def served(data: Path) -> Iterator[str]:
    """The address of a web process on stores of its own; Django is set up to speak to the same ones."""
    ports = environment.pick_ports(Ports(web=0, flower=0, smsc=0))
    with stores.opened(data) as opened:
        env = environment.build(data, urls=opened.urls, listen=ports)
        environment.manage("migrate", "--no-input", env=env)
        environment.manage("collectstatic", "--no-input", env=env)
        os.environ.update(env, DJANGO_SETTINGS_MODULE="config.settings", DJANGO_ALLOW_ASYNC_UNSAFE="true")
        django.setup()
        from audit import walls

        walls.be_the_system()
        running = Processes({"web": processes.of_procfile()["web"]}, env=env, logs=data / "logs")
        running.start()
        try:
            url = f"http://127.0.0.1:{ports.web}"
            _wait(url)
            yield url
        finally:
            from django.db import connections

            connections.close_all()
            running.stop()


def take(browser: Browser, url: str, into: Path, wanted: Collection[str]) -> None:
    from tests import factories
    from tests.browser.walk import PAGES
    from tests.filled import fill, write_exports

    filled = fill(factories.workspace("Acme Retail", time_zone="Europe/Amsterdam"))
    write_exports(filled)
    for name in wanted:
        who, page_name, theme, width = PICTURES[name]
        context = browser.new_context(
            base_url=url, viewport={"width": width, "height": 844 if width < 640 else 860}, color_scheme=theme
        )
        page = context.new_page()
        page.goto("/login/")
        page.get_by_label("Email").fill(getattr(filled, who).email)
        page.get_by_label("Password").fill(factories.PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{url}/")
        page.goto(PAGES[who][page_name](filled))
        _settle(page)
        file = into / f"{name}.png"
        page.screenshot(path=file, animations="disabled")
        print(f"{file.name}: {file.stat().st_size // 1024} KB")
        context.close()


def _settle(page: Page) -> None:
    """What the page fetches after it is shown; it goes on polling, so the network is never quiet for long."""
    page.wait_for_load_state("load")
    page.wait_for_timeout(900)
    if "?tab=" in page.url:
        page.evaluate("scrollBy(0, document.getElementById('tabs').getBoundingClientRect().top - 80)")  # below the bar


def _wait(url: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            urllib.request.urlopen(f"{url}/healthz", timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--into", type=Path, default=ROOT / "docs" / "screenshots")
    parser.add_argument("--only", action="append", choices=PICTURES, help="this one; may be said several times")
    asked = parser.parse_args()
    into: Path = asked.into
    into.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        take(browser, url, into, asked.only or PICTURES)
        browser.close()


if __name__ == "__main__":
    main()
