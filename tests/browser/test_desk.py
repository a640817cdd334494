"""Two moderators at one queue, in two browsers: keys, a claim, a taking over, a decision."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from accounts.roles import Role
from campaigns.models import Campaign
from campaigns.statuses import Status
from moderation.models import Claim, Decision
from tests import factories
from tests.browser.visitors import led_on, visit, welcome
from tests.live import wait_for


@pytest.fixture
def pages(live, browser: Browser, workspace) -> Iterator[list[Page]]:
    """Anna's and Boris's."""
    live.start("web")
    judges = [
        factories.member(workspace, Role.MODERATOR, user=factories.user(is_staff=True, name=name))
        for name in ("Anna", "Boris")
    ]
    welcome(*judges)
    visitors = [visit(browser, live.url, judge) for judge in judges]
    yield [visitor.page for visitor in visitors]
    for visitor in visitors:
        visitor.leave()


def test_two_moderators_share_a_queue_by_keys_and_claims(pages, workspace):
    anna, boris = pages
    first, second = (factories.in_review(workspace, name=name) for name in ("Spring", "Summer"))

    anna.goto("/admin/moderation/campaigninreview/")
    anna.keyboard.press("?")
    expect(anna.get_by_role("dialog", name="Keys")).to_be_visible()
    anna.keyboard.press("Escape")
    expect(anna.get_by_role("dialog", name="Keys")).to_be_hidden()
    for key in "jjk":
        anna.keyboard.press(key)
    expect(anna.locator("tr.desk-chosen")).to_contain_text("Spring")
    anna.keyboard.press("o")
    expect(anna.get_by_text("You are reading this")).to_be_visible()

    boris.goto(f"/admin/moderation/campaigninreview/{first.pk}/change/")
    expect(boris.get_by_text("Anna is reading this")).to_be_visible()
    boris.get_by_role("button", name="Take it over").click()
    expect(boris.get_by_text("You are reading Spring now.")).to_be_visible()

    led_on(anna).keyboard.press("a")
    expect(anna.get_by_text("Boris is reading this")).to_be_visible()
    anna.get_by_role("button", name="Approve").click()
    expect(anna.get_by_role("alert")).to_contain_text("Boris is reading Spring: take it over first.")

    # A key that is typed into a field is a letter; and from page to page the claim is kept.
    led_on(boris).keyboard.press("r")
    expect(boris.get_by_label("A reason that is at hand")).to_be_visible()
    led_on(boris).get_by_label("A reason that is at hand").select_option(index=1)
    why = boris.get_by_label("Why")
    expect(why).to_have_value(re.compile("name the shop"))
    why.press("End")
    why.type(" a jar?")
    expect(why).to_have_value(re.compile(" a jar[?]$"))
    boris.get_by_role("button", name="Reject").dblclick()
    expect(boris.locator(".messagelist li")).to_have_text(["Spring: rejected."])
    assert Decision.objects.get(campaign=first).by.name == "Boris"
    assert Campaign.objects.get(pk=first.pk).status == Status.REJECTED

    # Anna's page still has the button.
    anna.get_by_role("button", name="Approve").click()
    expect(anna.locator(".messagelist li")).to_have_text(["Spring does not wait for that decision any more."])

    boris.goto(f"/admin/moderation/campaigninreview/{second.pk}/change/")
    wait_for(lambda: Claim.objects.filter(campaign=second).exists())
    boris.keyboard.press("u")
    wait_for(lambda: not Claim.objects.filter(campaign=second).exists())
