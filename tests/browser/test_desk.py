"""Two moderators at one queue, in two browsers: keys, a claim, a taking over, a decision."""

import re
from collections.abc import Iterator

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from playwright.sync_api import Browser, Page, expect

from accounts.roles import Role
from campaigns.models import Campaign
from campaigns.statuses import Status
from moderation.models import Claim, Decision
from tests import factories
from tests.live import wait_for


@pytest.fixture
def pages(door, person, workspace, browser: Browser) -> Iterator[list[Page]]:
    """Anna's and Boris's."""
    complaints: list[str] = []
    contexts = []
    for name in ("Anna", "Boris"):
        judge = factories.member(workspace, Role.MODERATOR, user=factories.user(is_staff=True, name=name))
        judge.password = Argon2PasswordHasher().encode(factories.PASSWORD, "salt for a test")
        judge.save()
        context = browser.new_context(base_url=door.url, viewport={"width": 1100, "height": 820})
        context.set_default_timeout(8_000)
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        context.on("console", lambda said: complaints.append(said.text) if "Security Policy" in said.text else None)
        page = context.new_page()
        page.goto("/login/?next=/admin/")
        page.get_by_label("Email").fill(judge.email)
        page.get_by_label("Password").fill(factories.PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(re.compile("/admin/$"))
        contexts.append(context)
    yield [context.pages[0] for context in contexts]
    for context in contexts:
        context.close()
    assert complaints == []


def test_two_moderators_share_a_queue_by_keys_and_claims(pages, workspace):
    anna, boris = pages
    first, second = (factories.in_review(workspace, name=name) for name in ("Spring", "Summer"))

    anna.goto("/admin/moderation/campaigninreview/")
    anna.keyboard.press("?")
    expect(anna.get_by_role("dialog", name="Keys")).to_be_visible()
    anna.keyboard.press("Escape")
    for key in "jjk":
        anna.keyboard.press(key)
    expect(anna.locator("tr.desk-chosen")).to_contain_text("Spring")
    anna.keyboard.press("o")
    expect(anna.get_by_text("You are reading this")).to_be_visible()

    boris.goto(f"/admin/moderation/campaigninreview/{first.pk}/change/")
    expect(boris.get_by_text("Anna is reading this")).to_be_visible()
    boris.get_by_role("button", name="Take it over").click()
    expect(boris.get_by_text("You are reading Spring now.")).to_be_visible()

    anna.keyboard.press("a")
    expect(anna.get_by_text("Boris is reading this")).to_be_visible()
    anna.get_by_role("button", name="Approve").click()
    expect(anna.get_by_role("alert")).to_contain_text("Boris is reading Spring: take it over first.")

    # A key that is typed into a field is a letter; and from page to page the claim is kept.
    boris.keyboard.press("r")
    boris.get_by_label("A reason that is at hand").select_option(index=1)
    why = boris.get_by_label("Why")
    expect(why).to_have_value(re.compile("name the shop"))
    why.press("End")
    why.type(" a jar?")
    expect(why).to_have_value(re.compile(" a jar[?]$"))
    boris.get_by_role("button", name="Reject").click()
    expect(boris.get_by_text("Spring: rejected.")).to_be_visible()
    assert Decision.objects.get(campaign=first).by.name == "Boris"
    assert Campaign.objects.get(pk=first.pk).status == Status.REJECTED

    boris.goto(f"/admin/moderation/campaigninreview/{second.pk}/change/")
    wait_for(lambda: Claim.objects.filter(campaign=second).exists())
    boris.keyboard.press("u")
    wait_for(lambda: not Claim.objects.exists())
