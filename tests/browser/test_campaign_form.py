"""Writing a campaign in the browser: what it will look like stands below the text while somebody types."""

from playwright.sync_api import Page, expect

from tests import factories


def test_the_examples_follow_the_text_and_the_list(page: Page, workspace):
    factories.channel()
    factories.sender(workspace, "Shop")
    factories.ready_list(workspace, name="Names", columns=["name"], cells=[["Ann"], ["Bob"], [""]])
    factories.ready_list(workspace, name="Numbers")
    page.goto("/campaigns/new/")
    page.get_by_label("Text").fill("Dear {name|friend}, half price.")
    preview = page.locator("#counter")
    expect(preview).to_contain_text("at least 1 part")
    page.get_by_label("List").select_option("Names")
    for example in ("Dear Ann, half price.", "Dear Bob, half price.", "Dear friend, half price."):
        expect(preview).to_contain_text(example)
    page.get_by_label("List").select_option("Numbers")
    expect(preview).to_contain_text("The list has no column “name”.")
    page.get_by_label("List").select_option("Names")
    page.get_by_label("Text").fill("Dear {name")
    expect(preview).to_contain_text("does not close")
    page.get_by_label("Text").fill("Dear {name}!")
    expect(preview).to_contain_text("this recipient gets nothing")
    page.get_by_label("Name", exact=True).fill("Spring")
    page.get_by_label("Sender").select_option("Shop")
    page.get_by_label("Each day from").fill("09:00")
    page.get_by_label("Each day until").fill("20:00")
    page.get_by_role("button", name="Save draft").click()
    page.get_by_role("link", name="Content and approval").click()
    expect(page.get_by_text("Dear Ann!")).to_be_visible()
    expect(page.get_by_text("09:00 to 20:00, UTC")).to_be_visible()
