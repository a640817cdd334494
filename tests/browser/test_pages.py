"""Every page, in light and dark, on a phone and on a desk: readable by everybody, and quiet."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from playwright.sync_api import Browser, Page, expect

from accounts.models import User
from campaigns import transitions
from tests import factories
from tests.browser.walk import LOOKS, MAIN, PAGES
from tests.filled import Filled, fill

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()
FINDINGS = """async () => {
  // Without preloading, for which axe writes styles that our policy refuses.
  const found = await axe.run(document, {resultTypes: ["violations"], preload: false});
  return found.violations.filter((one) => ["serious", "critical"].includes(one.impact)).map(
    (one) => `${one.id}: ${one.nodes.slice(0, 4).map((node) => node.target.join(" ") + " — "
      + (node.any[0] || node.all[0] || node.none[0] || {}).message).join(" | ")}`);
}"""
# Those whose choice cannot be read: nothing but their arrow is there.
SHUT = """Array.from(document.querySelectorAll("select")).filter((one) => one.checkVisibility() && one.offsetWidth < 72)
  .map((one) => `${one.name} is ${one.offsetWidth} pixels wide`)"""


@pytest.fixture(scope="module")
def filled(live, browser) -> Iterator[Filled]:
    live.start("web")
    made = fill(factories.workspace("Acme"))
    hashed = Argon2PasswordHasher().encode(factories.PASSWORD, "salt for a test")
    everybody = [made.author.pk, made.moderator.pk, made.admin.pk, made.operator.pk]
    User.objects.filter(pk__in=everybody).update(password=hashed)
    return made


def entered(browser: Browser, url: str, person: User | None, theme: str, width: int) -> tuple[Page, list[str]]:
    """A page of somebody's browser, and what it complains of."""
    context = browser.new_context(base_url=url, viewport={"width": width, "height": 840}, color_scheme=theme)
    context.set_default_timeout(8_000)
    complaints: list[str] = []
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    # That a page of an error is one is no complaint.
    context.on(
        "console",
        lambda said: complaints.append(said.text) if said.type == "error" and "status of 40" not in said.text else None,
    )
    page = context.new_page()
    if person:
        page.goto("/login/")
        page.get_by_label("Email").fill(person.email)
        page.get_by_label("Password").fill(factories.PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{url}/")
    return page, complaints


def walked(live, browser, filled, look: str, wanted: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """What was found on the pages that are wanted of whoever reads them."""
    theme, width = LOOKS[look]
    findings: dict[str, list[str]] = {}
    for who, names in wanted.items():
        page, complaints = entered(browser, live.url, getattr(filled, who) if who else None, theme, width)
        for name in names:
            page.goto(PAGES[who][name](filled))
            page.evaluate(f"{AXE}; undefined")
            found = page.evaluate(FINDINGS) + page.evaluate(SHUT)
            if width < 640 and (over := page.evaluate("document.documentElement.scrollWidth - innerWidth")) > 0:
                found.append(f"scrolls {over} pixels sideways")
            found += complaints
            complaints.clear()
            if found:
                findings[f"{who} {name}"] = found
        page.context.close()
    return findings


@pytest.mark.timeout(300)  # the first of them starts the stores and the web process
@pytest.mark.parametrize("look", LOOKS)
def test_no_main_page_has_a_serious_finding_a_complaint_or_a_sideways_scroll(live, browser, filled, look):
    findings = walked(live, browser, filled, look, MAIN)
    assert findings == {}, "\n".join(f"{name}: {found}" for name, found in findings.items())


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("look", LOOKS)
def test_no_page_has_a_serious_finding_a_complaint_or_a_sideways_scroll(live, browser, filled, look):
    findings = walked(live, browser, filled, look, PAGES)
    assert findings == {}, "\n".join(f"{name}: {found}" for name, found in findings.items())


def test_the_menu_of_a_phone_needs_no_script(live, browser, filled):
    context = browser.new_context(base_url=live.url, viewport={"width": 390, "height": 840}, java_script_enabled=False)
    page = context.new_page()
    page.goto("/login/")
    page.get_by_label("Email").fill(filled.author.email)
    page.get_by_label("Password").fill(factories.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.locator(".nav-fold summary").click()
    page.get_by_role("link", name="Senders").first.click()
    expect(page.get_by_role("heading", name="Senders", level=1)).to_be_visible()
    page.get_by_text(filled.workspace.name).first.click()
    page.get_by_role("button", name="Dark").click()
    assert page.locator("html").get_attribute("data-bs-theme") == "dark"
    page.get_by_text(filled.workspace.name).first.click()
    page.get_by_role("button", name="As the system").click()
    context.close()


def test_a_double_click_sends_a_form_once_and_going_back_frees_it(live, browser, filled):
    page, complaints = entered(browser, live.url, filled.author, "light", 1280)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.goto("/profile/")
    page.get_by_role("button", name="Save").dblclick()
    expect(page.get_by_text("Your profile is saved.")).to_be_visible()
    assert len(sent) == 1
    page.go_back()
    expect(page.get_by_role("button", name="Save")).to_be_enabled()
    page.context.close()
    assert complaints == []


def test_the_title_and_the_icon_say_what_waits_and_what_is_being_sent(live, browser, filled):
    page, _ = entered(browser, live.url, filled.moderator, "light", 1280)
    icon = page.locator("link[rel=icon]")
    expect(page).to_have_title("(3) ▸ Dashboard · Message Center")
    assert "icon-waiting" in icon.get_attribute("href")
    transitions.withdraw(filled.campaigns["in_review"].pk, by=filled.author)
    page.evaluate("htmx.ajax('GET', '/live/', {target: '#live', swap: 'innerHTML'})")
    expect(page).to_have_title("(2) ▸ Dashboard · Message Center")
    transitions.submit(filled.campaigns["in_review"].pk, by=filled.author, now=factories.timezone.now())
    page.context.close()


def test_a_session_that_ends_while_somebody_types_leaves_them_their_page(live, browser, filled):
    page, _ = entered(browser, live.url, filled.author, "light", 1280)
    page.goto("/lists/new/")
    page.get_by_label("Name").fill("Half typed")
    page.context.clear_cookies()
    page.evaluate("htmx.ajax('GET', '/live/', {target: '#live', swap: 'innerHTML'})")
    expect(page.get_by_role("link", name="You are signed out: sign in again")).to_be_visible()
    assert page.get_by_label("Name").input_value() == "Half typed"
    page.get_by_role("link", name="You are signed out: sign in again").click()
    page.get_by_label("Email").fill(filled.author.email)
    page.get_by_label("Password").fill(factories.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{live.url}/lists/new/")
    page.context.close()
