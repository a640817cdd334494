"""Writing a campaign in the browser, in five steps: with the script, and without any."""

from playwright.sync_api import Browser, BrowserContext, Page, expect

from campaigns.models import Campaign
from campaigns.statuses import Status
from tests import factories
from tests.browser.door import Door
from tests.browser.visitors import PATIENCE, led_on


def begin(page: Page, mode: str = "At an exact minute") -> None:
    page.goto("/campaigns/new/")
    page.get_by_label("Name", exact=True).fill("Spring")
    page.get_by_role("radio", name=mode).check()
    page.get_by_role("button", name="Continue").click()
    led_on(page)


def test_a_campaign_is_written_in_five_steps(page: Page, workspace):
    factories.channel(tps=1)
    factories.sender(workspace, "Shop")
    names = factories.ready_list(workspace, name="Names", columns=["name"], cells=[["Ann"], ["Bob"], [""]])
    type(names).objects.filter(pk=names.pk).update(widths={"name": [200, "abn"]})
    begin(page)
    page.get_by_label("Text").fill("It’s half price")
    look = page.locator("#counter")
    expect(look).to_contain_text("These characters make the whole text Unicode")
    look.get_by_role("button", name="Replace by '").click()
    expect(page.get_by_label("Text")).to_have_value("It's half price")
    expect(look).to_contain_text("GSM alphabet")
    page.get_by_role("button", name="Recipients").click()
    led_on(page).get_by_label("Search lists").fill("nam")
    page.get_by_role("radio", name="Names").last.check()
    page.get_by_label("Search lists").fill("another")
    expect(page.get_by_text("No list has such a name.")).to_be_visible()
    page.get_by_role("button", name="Back").click()
    led_on(page).get_by_label("Text").press("ControlOrMeta+End")
    page.get_by_label("Text").press_sequentially(", ")
    page.get_by_role("button", name="name", exact=True).click()
    expect(page.get_by_label("Text")).to_have_value("It's half price, {name}")
    expect(look.locator(".bubble")).to_have_text("It's half price, Ann")
    expect(look).to_contain_text("at most 2 parts for anybody")
    look.get_by_role("button", name="The next recipient").click()
    expect(look.locator(".bubble")).to_have_text("It's half price, Bob")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Send at").fill("2099-07-01T15:00")
    expect(page.locator(".utc").first).to_have_text("2099-07-01 15:00 UTC")
    expect(page.locator("#forecast")).to_contain_text("Done at 1 Jul 2099, 15:00.")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("how to opt out").first).to_be_visible()
    led_on(page).get_by_role("button", name="Submit for review").dblclick()
    page.wait_for_url(lambda url: "/edit/" not in url)
    made = Campaign.objects.of(workspace).get()
    assert (made.status, made.round) == (Status.IN_REVIEW, 1)


def test_the_same_steps_lead_through_without_a_script(browser: Browser, context: BrowserContext, door: Door, workspace):
    factories.channel()
    factories.sender(workspace, "Shop")
    factories.ready_list(workspace, name="Numbers")
    without = browser.new_context(base_url=door.url, java_script_enabled=False, storage_state=context.storage_state())
    without.set_default_timeout(PATIENCE)
    plain = without.new_page()
    begin(plain, "At approval")
    plain.get_by_label("Text").fill("It’s – half price")
    plain.get_by_role("button", name="Continue").click()
    plain.get_by_role("button", name="Back").click()
    plain.get_by_role("button", name="Replace all").click()
    expect(plain.get_by_label("Text")).to_have_value("It's - half price")
    plain.get_by_role("button", name="Continue").click()
    plain.get_by_role("radio", name="Numbers").check()
    plain.get_by_role("button", name="Continue").click()
    plain.get_by_role("button", name="Continue").click()
    plain.get_by_role("button", name="Submit for review").click()
    assert Campaign.objects.of(workspace).get().status == Status.IN_REVIEW
    without.close()
