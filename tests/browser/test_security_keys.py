"""A security key in a real browser: an authenticator of Chromium's own, our script, our pages."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from accounts.roles import Role
from tests import factories
from tests.browser.test_pages import AXE, FINDINGS
from tests.browser.visitors import sign_in_at, visit, welcome
from tests.browser.walk import LOOKS

KEY = {
    **{"protocol": "ctap2", "transport": "usb", "hasUserVerification": True, "isUserVerified": True},
    **{"automaticPresenceSimulation": True, "hasResidentKey": True},
}


def looked_at(page: Page) -> None:
    """What is wrong with this page; a page that a POST made can not be walked by its address."""
    page.evaluate(f"{AXE}; undefined")
    assert page.evaluate(FINDINGS) == [], page.url
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, page.url


@pytest.mark.timeout(600)  # it may be the one that starts the stores and the web process
def test_a_key_is_added_named_and_used_on_a_phone_and_every_page_of_it_is_readable(live, browser, workspace):
    url = f"http://localhost:{urlsplit(live.url).port}"  # a key needs a name, and HTTPS or this one
    live.start("web")
    person = factories.member(workspace, Role.AUTHOR)
    welcome(person)
    theme, width = LOOKS["light on a phone"]
    visitor = visit(browser, url, viewport={"width": width, "height": 840}, color_scheme=theme)
    context, page = visitor.context, visitor.page
    devtools = context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    authenticator = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": KEY})["authenticatorId"]

    page.goto("/login/")
    sign_in_at(page, person)
    page.wait_for_url(f"{url}/")
    page.goto("/profile/second-step/")
    adding = page.locator("form", has=page.get_by_role("heading", name="Add a security key"))
    adding.get_by_label("Name of the key").fill("Blue key")
    adding.get_by_label("Your password").fill(factories.PASSWORD)
    adding.get_by_role("button", name="Add").click()
    touch = page.get_by_role("button", name="Touch the key now")
    expect(touch).to_be_visible()
    looked_at(page)
    touch.click()
    expect(page.locator("code")).to_have_count(10)
    looked_at(page)
    page.goto("/profile/second-step/")
    looked_at(page)
    page.get_by_role("link", name="Rename Blue key").click()
    looked_at(page)
    page.get_by_label("Name of the key").fill("Red key")
    page.get_by_role("button", name="Rename").click()
    expect(page.get_by_text("Red key")).to_be_visible()

    context.clear_cookies()
    page.goto("/login/")
    sign_in_at(page, person)
    use = page.get_by_role("button", name="Use a security key")
    expect(use).to_be_visible()
    looked_at(page)
    devtools.send("WebAuthn.setUserVerified", {"authenticatorId": authenticator, "isUserVerified": False})
    use.click()
    page.wait_for_url(f"{url}/")
    assert (
        devtools.send("WebAuthn.getCredentials", {"authenticatorId": authenticator})["credentials"][0]["signCount"] > 1
    )

    # A key that is not theirs: the browser has no answer, and the page says so.
    devtools.send("WebAuthn.clearCredentials", {"authenticatorId": authenticator})
    context.clear_cookies()
    page.goto("/login/")
    sign_in_at(page, person)
    use.click()
    expect(page.get_by_text("The browser got no answer of a key.")).to_be_visible()
    page.goto("/campaigns/")
    expect(page).to_have_url(f"{url}/login/second/?next=%2Fcampaigns%2F")
    visitor.leave()
