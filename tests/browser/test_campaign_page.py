"""A campaign's page in a browser: paused and resumed while its numbers move."""

from playwright.sync_api import expect

from campaigns.models import Campaign
from campaigns.statuses import Status
from delivery.models import Chunk, Tally
from delivery.statuses import MessageState
from tests import evidence, factories


def handed_over(campaign, more):
    """So many more are on their way, as the dispatcher notes it."""
    chunk = Chunk.objects.get(campaign=campaign)
    Chunk.objects.filter(pk=chunk.pk).update(next=chunk.next + more, intended=chunk.next + more)
    Tally.objects.create(campaign=campaign, state=MessageState.PENDING, n=more)


def test_a_campaign_is_paused_on_a_phone_and_resumed_on_a_desk_while_its_numbers_move(page, workspace):
    campaign = factories.sending(workspace, list=factories.ready_list(workspace, 500))
    evidence.dispatched(campaign, evidence.PENDING, handed_over=[100])
    page.set_viewport_size({"width": 390, "height": 820})
    page.goto(f"/campaigns/{campaign.pk}/")
    expect(page.locator("#headline")).to_contain_text("100 of 500 handed over")
    page.locator("#course-numbers summary").click()

    handed_over(campaign, 150)
    expect(page.locator("#headline")).to_contain_text("250 of 500 handed over")
    expect(page.locator("#count-pending")).to_have_text("250")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390

    page.locator("#verb-pause summary").click()
    page.get_by_label("Why").first.fill("A typo in the price.")
    page.get_by_role("button", name="Pause the campaign").click()
    expect(page.locator("#headline")).to_contain_text("(A typo in the price.): 250 recipients wait.")
    assert Campaign.objects.get(pk=campaign.pk).status == Status.PAUSED

    page.set_viewport_size({"width": 1100, "height": 820})
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("#headline")).to_contain_text("Sending since")
    handed_over(campaign, 50)
    expect(page.locator("#count-pending")).to_have_text("300")
    page.get_by_role("link", name="History").click()
    expect(page.locator("#history")).to_contain_text("Paused")
    assert page.url.endswith(f"/campaigns/{campaign.pk}/history/")
