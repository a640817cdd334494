"""From a file to the last receipt: a marketer's program, a moderator, the carrier, and what they see afterwards."""

import csv
import io
from collections import Counter
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from django.core.management import call_command
from django.urls import reverse

from accounts.roles import Role
from audit.models import Entry
from campaigns.models import Campaign
from simulator import journal
from tests import factories
from tests.live import SENDING, Carrier, Program, check, ended, wait_for
from tests.pages import signed_in

pytestmark = pytest.mark.live

TEXT = "Everything at half price until Sunday."
LONG_TEXT = "Всё за полцены до воскресенья. " * 3  # 93 characters of UCS-2: two parts
FIRST, COUNT = 31_612_340_000, 2500
UNKNOWN, UNDELIVERED_EVERY = "77", 10  # numbers that end so are refused; every n-th receipt says UNDELIV


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A campaign that is over, and the program of the marketer who sent it."""

    program: Program
    listed: dict
    campaign: Campaign
    carrier: Carrier

    @property
    def path(self) -> str:
        return f"campaigns/{self.campaign.pk}/"


def spreadsheet() -> bytes:
    """Numbers in three spellings, one of them invalid and one a duplicate in each hundred rows."""
    lines = ["name;phone"]
    for index in range(COUNT):
        number = FIRST + index
        spelling = (f"+{number}", f"00{number}", f"0{number - 31_000_000_000}")[index % 3]
        lines.append(f"Customer {index};{spelling}")
        if index % 100 == 0:
            lines += ["Nobody;not a number", f"Customer {index} again;+{number}"]
    return "\r\n".join(lines).encode()


def prepared_list(program: Program) -> dict:
    made = program.post("lists/", name="Customers", filename="customers.csv", column="phone")
    program.put(f"lists/{made['id']}/file/", spreadsheet())
    wait_for(lambda: program.get(f"lists/{made['id']}/")["status"] == "ready")
    return program.get(f"lists/{made['id']}/")


@pytest.fixture(scope="module")
def people(live):
    workspace = factories.workspace(tokens_may_decide=True)
    moderator = factories.member(workspace, Role.MODERATOR, user=factories.user(is_staff=True))
    author = factories.member(workspace)
    return SimpleNamespace(
        workspace=workspace,
        moderator=moderator,
        program=Program(live.url, factories.token(workspace, author)),
        moderators_program=Program(live.url, factories.token(workspace, moderator)),
        sender=factories.sender(workspace),
    )


@pytest.fixture(scope="module")
def outcome(live, people):
    live.start("web", "worker", *SENDING)
    with live.carrier(bad_suffix=UNKNOWN, dlr_fail_every=UNDELIVERED_EVERY) as carrier:
        program = people.program
        listed = prepared_list(program)
        made = program.post(
            "campaigns/",
            name="Half price",
            mode="on_approval",
            text=TEXT,
            sender=people.sender.pk,
            list=listed["id"],
            channel=carrier.channel.pk,
        )
        program.post(f"campaigns/{made['id']}/submit/")
        people.moderators_program.post(f"campaigns/{made['id']}/approve/", reason="Fine.")
        campaign = Campaign.objects.get(pk=made["id"])
        ended(campaign)
        yield Outcome(program=program, listed=listed, campaign=campaign, carrier=carrier)


def test_the_list_says_what_became_of_its_rows(outcome):
    assert outcome.listed["totals"] == {
        "rows": COUNT + 50,
        "accepted": COUNT,
        "invalid": 25,
        "duplicate": 25,
        "suppressed": 0,
    }
    rejected = outcome.program.download(f"lists/{outcome.listed['id']}/rejected/").decode().splitlines()
    assert [line.split(",")[1] for line in rejected] == ["value"] + ["not a number"] * 25


def test_the_carrier_got_the_approved_text_once_for_each_number_from_the_approved_sender(outcome):
    accepted = outcome.carrier.accepted
    reachable = [number for number in range(FIRST, FIRST + COUNT) if not str(number).endswith(UNKNOWN)]
    assert sorted(int(submit.destination) for submit in accepted) == reachable
    assert {submit.content for submit in outcome.carrier.submits} == {journal.content(TEXT.encode("ascii"))}
    assert {submit.source for submit in outcome.carrier.submits} == {"Acme"}
    check(outcome.campaign, outcome.carrier)


def test_the_campaign_is_done_and_its_totals_balance(outcome):
    shown = outcome.program.get(outcome.path)
    refused = COUNT // 100
    undelivered = (COUNT - refused) // UNDELIVERED_EVERY
    assert (shown["status"], shown["balanced"], shown["parts"]) == ("done", True, 1)
    assert shown["totals"] == {
        **outcome.listed["totals"],
        "delivered": COUNT - refused - undelivered,
        "failed": refused + undelivered,
        **dict.fromkeys(("pending", "no_receipt", "expired", "cancelled", "uncertain", "waiting"), 0),
    }


def test_the_recipients_page_by_page_are_the_list_in_its_order(outcome):
    seen, url = [], f"{outcome.path}recipients/?page_size=1000"
    while url:
        page = outcome.program.get(url)
        seen += [row["to"] for row in page["results"]]
        url = page["next"] and page["next"].partition("/api/v1/")[2]
    assert seen == [f"+{number}" for number in range(FIRST, FIRST + COUNT)]


def test_a_number_is_found_with_what_became_of_it(outcome):
    [found] = outcome.program.get(f"{outcome.path}recipients/?to=%2B{FIRST + 77}")["results"]
    assert (found["status"], found["error"]["name"]) == ("failed", "ESME_RINVDSTADR")


def test_the_errors_name_the_reasons_and_count_them(outcome):
    reasons = outcome.program.get(f"{outcome.path}errors/")["reasons"]
    assert sorted(reason["count"] for reason in reasons) == [25, 247]
    assert "ESME_RINVDSTADR" in {reason["error"]["name"] for reason in reasons}


def test_the_export_has_every_recipient_with_the_status_that_the_totals_count(outcome):
    program = outcome.program
    made = program.post(f"{outcome.path}exports/", format="csv")
    ready = wait_for(lambda: (found := program.get(f"exports/{made['id']}/"))["status"] == "ready" and found)
    content = program.download(ready["url"].partition("/api/v1/")[2]).decode()
    rows = list(csv.DictReader(io.StringIO(content)))
    assert [int(row["to"].lstrip("+")) for row in rows] == list(range(FIRST, FIRST + COUNT))
    totals = program.get(outcome.path)["totals"]
    assert Counter(row["status"] for row in rows) == {term: totals[term] for term in ("delivered", "failed")}


def test_the_ledger_has_every_step_in_its_order_and_holds(outcome, people):
    steps = Entry.objects.about(outcome.campaign).exclude(action="campaign.numbers_read").order_by("seq")
    assert [(step.action, step.actor_id and step.actor.email) for step in steps] == [
        ("campaign.created", outcome.campaign.created_by.email),
        ("campaign.in_review", outcome.campaign.created_by.email),
        ("campaign.approved", people.moderator.email),
        ("campaign.sending", None),
        ("campaign.done", None),
    ]
    assert not any(TEXT in str(step.after) for step in steps)
    call_command("verify_audit", stdout=io.StringIO())


def test_a_campaign_approved_on_the_admins_desk_is_sent_in_its_two_parts(live, people):
    live.start(*SENDING)
    with live.carrier() as carrier:
        campaign = factories.in_review(
            people.workspace,
            text=LONG_TEXT,
            sender=people.sender,
            list=factories.ready_list(people.workspace, 200),
            channel=carrier.channel,
        )
        desk = signed_in(people.moderator)
        address = reverse("admin:moderation_campaigninreview_decide", args=[campaign.pk, "approve"])
        assert desk.get(address).status_code == 200
        assert desk.post(address, {"round": campaign.round, "reason": "Fine."}).status_code == 302
        assert ended(campaign).delivered == 200

        got = Counter((submit.destination, submit.content) for submit in carrier.accepted)
        assert set(got.values()) == {1}
        assert len({destination for destination, _ in got}) == 200
        assert len({content for _, content in got}) == 2
        assert len(got) == 400
