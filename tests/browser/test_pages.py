"""Every page, in light and dark, on a phone and on a desk: readable by everybody, and quiet."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.urls import resolve
from playwright.sync_api import expect

from accounts.models import Session
from campaigns import transitions
from tests import factories
from tests.browser.visitors import sign_in_at, visit, welcome
from tests.browser.walk import ELSEWHERE, FILES, LEADS_ON, LOOKS, MAIN, NOWHERE, PAGES, PARTS
from tests.config.pages import PAGES as ROLES_OF_PAGES
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
    welcome(made.author, made.moderator, made.admin, made.operator)
    return made


def walked(live, browser, filled, look: str, wanted: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """What was found on the pages that are wanted of whoever reads them."""
    theme, width = LOOKS[look]
    findings: dict[str, list[str]] = {}
    for who, names in wanted.items():
        person = getattr(filled, who) if who else None
        visitor = visit(browser, live.url, person, viewport={"width": width, "height": 840}, color_scheme=theme)
        page = visitor.page
        for name in names:
            page.goto(PAGES[who][name](filled))
            page.evaluate(f"{AXE}; undefined")
            found = page.evaluate(FINDINGS) + page.evaluate(SHUT)
            if width < 640 and (over := page.evaluate("document.documentElement.scrollWidth - innerWidth")) > 0:
                found.append(f"scrolls {over} pixels sideways")
            found += visitor.complaints
            visitor.complaints.clear()
            if found:
                findings[f"{who} {name}"] = found
        visitor.leave()
    return findings


@pytest.mark.timeout(600)  # the first of them starts the stores and the web process
@pytest.mark.parametrize("look", LOOKS)
def test_no_main_page_has_a_serious_finding_a_complaint_or_a_sideways_scroll(live, browser, filled, look):
    findings = walked(live, browser, filled, look, MAIN)
    assert findings == {}, "\n".join(f"{name}: {found}" for name, found in findings.items())


def test_every_page_is_walked(filled):
    readable = {name for name, methods in ROLES_OF_PAGES.items() if "get" in methods}
    addresses = [address(filled) for pages in PAGES.values() for address in pages.values()]
    walked = {resolve(urlsplit(one).path).view_name for one in addresses if one != NOWHERE}
    assert readable - walked == PARTS | FILES | LEADS_ON | ELSEWHERE


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("look", LOOKS)
def test_no_page_has_a_serious_finding_a_complaint_or_a_sideways_scroll(live, browser, filled, look):
    findings = walked(live, browser, filled, look, PAGES)
    assert findings == {}, "\n".join(f"{name}: {found}" for name, found in findings.items())


def test_the_menu_of_a_phone_needs_no_script(live, browser, filled):
    phone = {"width": 390, "height": 840}
    visitor = visit(browser, live.url, filled.author, viewport=phone, java_script_enabled=False)
    page = visitor.page
    page.goto("/")
    page.locator(".nav-fold summary").click()
    page.get_by_role("link", name="Senders").first.click()
    expect(page.get_by_role("heading", name="Senders", level=1)).to_be_visible()
    page.get_by_text(filled.workspace.name).first.click()
    page.get_by_role("button", name="Dark").click()
    assert page.locator("html").get_attribute("data-bs-theme") == "dark"
    page.get_by_text(filled.workspace.name).first.click()
    page.get_by_role("button", name="As the system").click()
    visitor.leave()


def test_a_double_click_sends_a_form_once_and_going_back_frees_it(live, browser, filled):
    visitor = visit(browser, live.url, filled.author)
    page = visitor.page
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.goto("/profile/")
    page.get_by_role("button", name="Save").dblclick()
    expect(page.get_by_text("Your profile is saved.")).to_be_visible()
    assert len(sent) == 1
    page.go_back()
    expect(page.get_by_role("button", name="Save")).to_be_enabled()
    visitor.leave()


def test_by_the_link_of_a_letter_a_browser_chooses_a_new_password(live, browser, filled):
    visitor = visit(browser, live.url)
    page = visitor.page
    page.goto(PAGES[""]["password-new"](filled))
    for field in page.locator("input[type=password]").all():
        field.fill(factories.PASSWORD)
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_text("Your password is changed. Sign in with it.")).to_be_visible()
    visitor.leave()


def test_the_title_and_the_icon_say_what_waits_and_what_is_being_sent(live, browser, filled):
    visitor = visit(browser, live.url, filled.moderator)
    page = visitor.page
    page.goto("/")
    icon = page.locator("link[rel=icon]")
    expect(page).to_have_title("(3) ▸ Dashboard · Message Center")
    assert "icon-waiting" in icon.get_attribute("href")
    transitions.withdraw(filled.campaigns["in_review"].pk, by=filled.author)
    page.evaluate("htmx.ajax('GET', '/live/', {target: '#live', swap: 'innerHTML'})")
    expect(page).to_have_title("(2) ▸ Dashboard · Message Center")
    transitions.submit(filled.campaigns["in_review"].pk, by=filled.author, now=factories.timezone.now())
    visitor.leave()


def test_a_session_that_ends_while_somebody_types_leaves_them_their_page_and_what_they_sent(live, browser, filled):
    visitor = visit(browser, live.url, filled.author)
    page = visitor.page
    page.goto("/campaigns/texts/new/")
    page.get_by_label("Name").fill("Half typed")
    Session.objects.filter(user=filled.author).delete()
    page.evaluate("htmx.ajax('GET', '/live/', {target: '#live', swap: 'innerHTML'})")
    signed_out = page.get_by_role("link", name="You are signed out: sign in again")
    expect(signed_out).to_have_attribute("href", "/login/?next=/campaigns/texts/new/")
    page.get_by_label("Text").fill("Come on Sunday.\nBring a friend.")
    page.get_by_role("button", name="Save").click()
    sign_in_at(page, filled.author)
    expect(page.get_by_role("heading", name="You were signed out before this was sent")).to_be_visible()
    expect(page.get_by_text("Bring a friend.")).to_be_visible()
    page.get_by_role("button", name="Send it now").click()
    page.wait_for_url(f"{live.url}/campaigns/texts/")
    expect(page.get_by_text("“Half typed” is kept.")).to_be_visible()
    visitor.leave()
