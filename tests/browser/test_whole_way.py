"""The whole way at the pages: from a file to its report, and the detour of a text that is rejected first."""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from accounts.models import User
from accounts.roles import Role
from accounts.templatetags.pages import named
from campaigns.models import Campaign
from campaigns.statuses import Mode
from moderation.models import Decision, Verdict
from tests import factories
from tests.browser.network import Network
from tests.browser.visitors import Visitor, led_on, sign_in_at, visit, welcome
from tests.live import SENDING, Installation, check, wait_for

pytestmark = pytest.mark.live

TEXT = "Dear {name}, everything at half price until Sunday. Reply STOP to opt out."
FIRST, COUNT = 31_612_340_000, 200
UNKNOWN = 31_612_340_077  # the carrier refuses numbers that end as this one
FAILED = 2  # this one, and the one a hundred further on


@pytest.fixture
def people(live: Installation, workspace) -> SimpleNamespace:
    live.start("web", "worker", *SENDING)
    author = factories.member(workspace, Role.AUTHOR, user=factories.user(name="Ann"))
    moderator = factories.member(workspace, Role.MODERATOR, user=factories.user(is_staff=True, name="Boris"))
    welcome(author, moderator)
    factories.sender(workspace, "Shop")
    return SimpleNamespace(author=author, moderator=moderator)


@pytest.fixture
def visitors(live: Installation, browser: Browser, people) -> Iterator[SimpleNamespace]:
    """The author is about to sign in."""
    author, moderator = visit(browser, live.url), visit(browser, live.url, people.moderator)
    yield SimpleNamespace(author=author, moderator=moderator)
    for visitor in (author, moderator):
        visitor.leave()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """With a line that is no number and one that is there twice; each long enough that its way can be watched."""
    rows = [f"+{FIRST + number},Customer {number},{'x' * 500}" for number in range(COUNT)]
    path = tmp_path / "customers.csv"
    path.write_text("\n".join(["phone,name,note", *rows, "not a number,Nobody,", f"+{FIRST},Again,"]))
    return path


def uploaded(visitor: Visitor, file: Path) -> None:
    """Piece by piece, and followed until the totals are there."""
    page = visitor.page
    page.goto("/lists/new/")
    page.get_by_label("File", exact=False).first.set_input_files(file)
    page.get_by_label("Column").fill("phone")
    network = Network(page)
    network.limit(20_000)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_text(re.compile(r"^[1-9]\d? %$")).first).to_be_visible()
    network.free()
    page.wait_for_url(re.compile(r"/lists/\d+/$"))
    expect(page.locator(".equation")).to_have_text("202 rows = 1 invalid + 1 duplicate + 0 suppressed + 200 accepted")


def written(page: Page, channel: str) -> int:
    """In the five steps, to the list that is on the page; the campaign's number."""
    page.get_by_role("link", name="Write a campaign to it").click()
    page.get_by_label("Name", exact=True).fill("Half price")
    page.get_by_role("radio", name="At approval").check()
    page.get_by_role("button", name="Continue").click()
    led_on(page).get_by_label("Text").fill(TEXT)
    expect(page.locator(".bubble")).to_contain_text("Dear Customer 0, everything")
    page.get_by_role("button", name="Continue").click()
    expect(page.locator(".chosen")).to_contain_text("200 accepted")
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Parts a second, at most").fill("100")
    page.get_by_label("Route or channel").select_option(label=channel)
    expect(page.locator("#forecast")).to_contain_text("Done at")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("As the moderator will see it")).to_be_visible()
    page.get_by_role("button", name="Submit for review").click()
    page.wait_for_url(re.compile(r"/campaigns/\d+/$"))
    return int(page.url.rstrip("/").rpartition("/")[2])


def claimed(page: Page, name: str) -> None:
    page.goto("/admin/moderation/campaigninreview/")
    page.get_by_role("link", name=name).click()
    expect(page.get_by_text("You are reading this")).to_be_visible()


def approved(page: Page, name: str) -> None:
    page.get_by_role("link", name="Approve").click()
    page.get_by_label("Note").fill("Fine.")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text(f"{name}: approved.")).to_be_visible()


def downloaded(page: Page, folder: Path) -> list[dict[str, str]]:
    """The rows of an export, asked for and followed."""
    page.get_by_role("link", name="Exports").click()
    page.get_by_role("button", name="Export recipients").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    with path.open(newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.mark.timeout(600)  # it may be the one that starts the stores and all processes
def test_a_list_is_uploaded_written_to_approved_sent_and_reported_without_leaving_the_pages(
    live, people, visitors, file, tmp_path
):
    author, moderator = visitors.author.page, visitors.moderator.page
    with live.carrier(bad_suffix=str(UNKNOWN)[-2:]) as carrier:
        author.goto("/lists/")
        sign_in_at(author, people.author)
        author.wait_for_url("**/lists/")
        uploaded(visitors.author, file)
        campaign = Campaign.objects.get(pk=written(author, carrier.channel.name))
        expect(author.locator("#headline")).to_contain_text("Waits for a moderator")

        claimed(moderator, "Half price")
        expect(moderator.get_by_text("Dear Customer 0, everything")).to_be_visible()
        expect(moderator.get_by_text("202 rows: 1 invalid, 1 duplicate, 0 suppressed")).to_be_visible()
        approved(moderator, "Half price")

        expect(author.locator(".page-head .badge")).to_have_text("Done")
        expect(author.locator("#count-delivered")).to_have_text(str(COUNT - FAILED))
        expect(author.locator("#count-failed")).to_have_text(str(FAILED))
        for equation in author.locator("#progress .equation").all():
            expect(equation).to_contain_text("balances")
        check(campaign, carrier)

    expect(author.locator(".tabs [aria-current]")).to_have_text("Recipients")
    author.get_by_label("Status").select_option(label="Failed")
    author.get_by_role("button", name="Show", exact=True).click()
    rows = author.locator("#recipients tbody tr")
    expect(rows).to_have_count(FAILED)
    author.get_by_label("Number", exact=True).fill(f"+{UNKNOWN}")
    author.get_by_role("button", name="Find").click()
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("the number is not valid. ESME_RINVDSTADR 0x0000000B")
    author.get_by_role("link", name="Errors", exact=True).click()
    expect(author.locator("#errors tbody tr").first).to_contain_text("ESME_RINVDSTADR")
    author.get_by_role("link", name="History").click()
    for words in ("Submitted", "Approved", "Done"):
        expect(author.locator("#history")).to_contain_text(words)

    found = downloaded(author, tmp_path)
    assert Counter(row["status"] for row in found) == {"delivered": COUNT - FAILED, "failed": FAILED}
    assert len({row["to"] for row in found}) == COUNT


def letters_to(person: User, live: Installation) -> str:
    """Of an installation without a mail server: they are written to the log of the worker."""
    _, _, letters = (live.folder / "worker.log").read_text().partition(f"To: {person.email}")
    return letters


def rejected(page: Page, name: str, reason: str) -> None:
    page.get_by_role("link", name="Reject").click()
    led_on(page).get_by_label("A reason that is at hand").select_option(label=reason)
    expect(page.get_by_label("Why")).to_have_value(reason)
    page.get_by_role("button", name="Reject").click()
    expect(page.get_by_text(f"{name}: rejected.")).to_be_visible()


@pytest.mark.timeout(600)
def test_what_a_moderator_rejects_comes_back_revised_and_is_approved_by_its_difference(
    live, workspace, people, visitors
):
    reason = "Say in the text how to opt out, for example: STOP to opt out."
    author, moderator = visitors.author.page, visitors.moderator.page
    tomorrow = timezone.now() + timedelta(days=1)
    campaign = factories.in_review(
        workspace, by=people.author, name="Half price", mode=Mode.SCHEDULED, send_at=tomorrow
    )
    author.goto(f"/campaigns/{campaign.pk}/")
    sign_in_at(author, people.author)
    expect(author.locator("#headline")).to_contain_text("Waits for a moderator")
    claimed(moderator, "Half price")
    rejected(moderator, "Half price", reason)

    # The page that the author left open says so by itself; so do the dashboard, the decisions and a letter.
    expect(author.get_by_text(f"A moderator rejected it: {reason}")).to_be_visible()
    expect(author.get_by_label("Decisions")).to_contain_text(
        f"Rejected by {named(people.moderator)}, round 1“{reason}”"
    )
    wait_for(lambda: reason in letters_to(people.author, live))
    author.goto("/")
    expect(author.get_by_label("Needs attention")).to_contain_text(f"Rejected: {reason}")
    author.get_by_label("Needs attention").get_by_role("link", name="Half price").click()

    author.get_by_role("button", name="Revise").click()
    author.locator(".steps").get_by_role("link", name="Message").click()
    author.get_by_label("Text").press("ControlOrMeta+End")
    author.get_by_label("Text").press_sequentially(" Reply STOP to opt out.")
    author.locator(".steps").get_by_role("button", name="Review").click()
    author.get_by_role("button", name="Submit for review").click()
    author.wait_for_url(f"**/campaigns/{campaign.pk}/")

    claimed(moderator, "Half price")
    expect(moderator.locator(".desk-diff ins")).to_contain_text("Reply STOP to opt out.")
    expect(moderator.locator(".desk-diff del")).to_have_count(0)
    expect(moderator.get_by_text(f"Rejected by {named(people.moderator)}, round 1: “{reason}”")).to_be_visible()
    approved(moderator, "Half price")
    author.reload()
    expect(author.locator(".page-head .badge")).to_have_text("Approved")
    assert [decision.verdict for decision in Decision.objects.filter(campaign=campaign).order_by("round")] == [
        Verdict.REJECTED,
        Verdict.APPROVED,
    ]
