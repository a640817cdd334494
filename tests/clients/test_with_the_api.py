"""clients/python against the real API, in this process."""

import io
import itertools
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from django.utils import timezone
from message_center_client import (
    Changed,
    Client,
    Failed,
    Invalid,
    KeyRefused,
    NotFound,
    NotReady,
    Unreachable,
    models,
    uploads,
)

from accounts.models import User, Workspace
from accounts.roles import Role
from campaigns.models import Campaign
from recipients import preparation
from recipients.models import RecipientList
from recipients.statuses import Status
from reports import exports
from reports.models import Export
from tests import evidence, factories
from tests.clients.conftest import Speak

NUMBERS = b"number,name\n+31612345678,Ann\n+31687654321,Bob\n"


def test_a_list_is_sent_from_a_file_and_a_campaign_is_written_approved_and_read(
    speak: Speak, workspace: Workspace, tmp_path: Path
) -> None:
    moderator = factories.token(workspace, factories.member(workspace, Role.MODERATOR))
    center, judge = speak(), speak(moderator)
    factories.channel()
    file = tmp_path / "people.csv"
    file.write_bytes(NUMBERS)
    listed = center.lists.send(file, name="Spring")
    assert (listed["status"], listed["filename"]) == ("preparing", "people.csv")
    preparation.prepare_list(listed["id"], now=timezone.now())
    assert center.lists.wait(listed["id"])["totals"]["accepted"] == 2

    sender = factories.sender(workspace)
    assert [found["id"] for found in center.senders.approved()] == [sender.pk]

    def write() -> int:
        return center.campaigns.create(
            name="Sale",
            mode="on_approval",
            text="Dear {name}.",
            list=listed["id"],
            sender=sender.pk,
            not_after=datetime(2099, 1, 1, tzinfo=UTC),
            idempotency_key="a wish",
        )["id"]

    made = write()
    assert write() == made
    assert center.campaigns.get(made)["not_after"] == "2099-01-01T00:00:00Z"
    center.campaigns.submit(made)
    assert judge.campaigns.approve(made)["status"] == "approved"
    assert [row["id"] for row in center.campaigns.all(status="approved")] == [made]
    assert [row["to"] for row in center.campaigns.recipients(made)] == ["+31612345678", "+31687654321"]
    assert center.campaigns.errors(made)["results"] == []


def test_a_change_is_made_to_the_campaign_that_was_read(speak: Speak, workspace: Workspace) -> None:
    center, campaign = speak(), factories.draft(workspace)
    _, tag = center.campaigns.read(campaign.pk)
    center.campaigns.change(campaign.pk, name="First", if_match=tag)
    with pytest.raises(Changed) as refused:
        center.campaigns.change(campaign.pk, name="Second", if_match=tag)
    assert (refused.value.status, refused.value.code) == (412, "changed_since_read")


def test_messages_are_pushed_into_a_trigger_and_asked_about(speak: Speak, workspace: Workspace) -> None:
    center, campaign = speak(), factories.trigger(workspace, text="Your code is {code}.")

    def push() -> int:
        return center.messages.push(campaign.pk, to="+31612345678", params={"code": "17"}, key="order 1")["id"]

    assert push() == (pushed := push())
    assert center.messages.get(campaign.pk, pushed)["status"] == "waiting"
    other, refused = center.messages.push_many(
        campaign.pk, [{"to": "+31687654321", "params": {"code": "18"}}, {"to": "12", "params": {"code": "19"}}]
    )
    assert (other["status"], "id" in refused) == ("waiting", False)
    assert refused["error"]["fields"] == {"to": [refused["error"]["message"]]}


def test_pages_are_turned_as_somebody_reads_on(speak: Speak, workspace: Workspace) -> None:
    for number in range(3):
        factories.draft(workspace, name=f"Sale {number}")
    asked = Counter[str]()
    rows = speak(breaks=lambda request, is_done: asked.update([request.method])).campaigns.all(page_size=1)
    assert next(rows)["name"] == "Sale 2"
    assert asked == {"GET": 2}
    assert [row["name"] for row in rows] == ["Sale 1", "Sale 0"]
    assert asked == {"GET": 6}


def test_what_the_api_refuses_is_an_error_with_its_code_fields_and_request(speak: Speak) -> None:
    with pytest.raises(Invalid) as refused:
        speak().campaigns.create(name="Sale")  # type: ignore[call-arg]
    assert (refused.value.status, refused.value.code) == (400, "invalid")
    assert refused.value.fields["mode"] == ["This field is required."]
    assert len(refused.value.request_id) == 32
    with pytest.raises(KeyRefused):
        speak("mc_nothing").campaigns.get(1)
    with pytest.raises(NotFound):
        speak().campaigns.get(1)


def test_a_suppressed_number_is_kept_found_and_lifted(speak: Speak, workspace: Workspace, admin: User) -> None:
    center = speak(factories.token(workspace, admin))
    added = center.suppressions.add("+31600000009", reason="Asked by phone.")
    assert [row["id"] for row in center.suppressions.all(to="+31600000009")] == [added["id"]]
    assert [row["id"] for row in center.suppressions.all(source=["hand", "opt_out"], page_size=1)] == [added["id"]]
    assert list(center.suppressions.all(source=["import"])) == []
    center.suppressions.lift(added["id"], reason="Came back.")
    assert list(center.suppressions.all()) == []


def test_a_file_of_suppressed_numbers_is_sent_again_until_it_arrives(speak: Speak, naps: list[float]) -> None:
    """Once it gets lost, and once its answer does."""
    calls = []

    def cut(request: httpx.Request, is_done: bool) -> None:
        calls.extend([request.read()] if request.method == "PUT" and not is_done else [])
        if request.method == "PUT" and (len(calls), is_done) in ((1, False), (2, True)):
            raise httpx.ReadError("Connection reset.", request=request)

    def send() -> models.Import:
        file, key = io.BytesIO(b"+31600000009\n"), "the register of March"
        return center.suppressions.send(file, reason="The register.", filename="register.csv", idempotency_key=key)

    center = speak(breaks=cut)
    made = send()
    assert made["status"] == "importing"
    assert send()["id"] == made["id"]
    assert (calls, len(naps)) == ([b"+31600000009\n"] * 2, 2)
    with pytest.raises(NotReady):
        center.suppressions.wait(made["id"], seconds=0)


def test_a_workspace_is_run_by_whoever_has_read_how_it_is(speak: Speak, workspace: Workspace, admin: User) -> None:
    center = speak(factories.token(workspace, admin))
    limits, tag = center.limits.read()
    center.limits.set(parts_per_day=9, parts_per_month=None, destinations=[], if_match=tag)
    with pytest.raises(Changed):
        center.limits.set(parts_per_day=99, parts_per_month=None, destinations=[], if_match=tag)
    assert (limits["parts_per_day"], center.limits.get()["parts_per_day"]) == (None, 9)

    rules, tag = center.rules.read()
    assert center.rules.change(approval_days=3, if_match=tag) == {**rules, "approval_days": 3}

    def invite() -> int:
        return center.invitations.create(email="bob@example.com", role="author", idempotency_key="Bob")["id"]

    invited = invite()
    assert invite() == invited
    _, tag = center.invitations.read(invited)
    center.invitations.revoke(invited, if_match=tag)
    assert list(center.invitations.all(status="pending")) == []

    asked = factories.join_request(workspace)
    with pytest.raises(Changed):
        center.join_requests.grant(asked.pk, role="author", if_match=tag)
    assert center.join_requests.grant(asked.pk, role="author")["user"]["id"] == asked.user_id
    assert center.members.all(search=asked.user.email)

    _, secret = factories.api_key(workspace, name="The old shop")
    [old] = [key for key in center.keys.all() if key["name"] == "The old shop"]
    center.keys.revoke(old["id"])
    with pytest.raises(KeyRefused):
        speak(secret).rules.get()


@pytest.mark.django_db(transaction=True)  # an export reads in a snapshot of its own
def test_an_export_is_asked_for_awaited_and_written_to_a_file(
    speak: Speak, workspace: Workspace, tmp_path: Path, admin: User
) -> None:
    campaign = factories.sending(workspace, list=factories.ready_list(workspace, count=2))
    evidence.dispatched(campaign)

    def write(request: httpx.Request, is_done: bool) -> None:
        """As a worker does, once it is asked for."""
        if is_done and request.method == "POST":
            exports.write(campaign_export(campaign), clock=timezone.now)

    path = tmp_path / "reports" / "report.parquet"
    path.parent.mkdir()
    export = speak(breaks=write).exports.save(campaign.pk, path, columns=["to", "status"])
    assert (export["format"], export["columns"], export["rows"]) == ("parquet", ["to", "status"], 2)
    assert path.read_bytes().startswith(b"PAR1") and path.stat().st_size == export["bytes"]
    assert [*path.parent.iterdir()] == [path]
    with pytest.raises(ValueError, match=r"Say which format"):
        speak().exports.save(campaign.pk, tmp_path / "report.xlsx")


def campaign_export(campaign: Campaign) -> int:
    pk: int = Export.objects.get(campaign=campaign).pk
    return pk


def test_what_came_to_nothing_says_why(speak: Speak, workspace: Workspace) -> None:
    listed = factories.failed_list(workspace)
    with pytest.raises(Failed, match=r"There is no valid number in this file\."):
        speak().lists.wait(listed.pk)


def test_statistics_are_asked_for_by_days(speak: Speak, tmp_path: Path) -> None:
    today = timezone.localdate()
    found = speak().statistics.get(by="sender", since=today - timedelta(days=2), until=today)
    assert (found["by"], found["until"], found["total"]["messages"]) == ("sender", today.isoformat(), 0)
    assert speak().statistics.save(tmp_path / "month.csv") == (tmp_path / "month.csv").stat().st_size > 0


# --- Uploads that break ----------------------------------------------------------------------------------------------


@pytest.fixture
def pieces(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Of the file, sixteen bytes each."""
    monkeypatch.setattr(uploads, "PIECE", 16)
    return [NUMBERS[first : first + 16] for first in range(0, len(NUMBERS), 16)]


def breaking(*when: tuple[int, bool]) -> tuple[Callable[[httpx.Request, bool], None], list[bytes]]:
    """Cuts off the pieces of these numbers, before or after they have arrived; and what was sent."""
    sent: list[bytes] = []
    number = itertools.count()
    current = 0

    def cut(request: httpx.Request, is_done: bool) -> None:
        nonlocal current
        if request.method != "PATCH":
            return
        if not is_done:
            current = next(number)
            sent.append(request.read())
        if (current, is_done) in when:
            raise httpx.ReadError("Connection reset.", request=request)

    return cut, sent


def test_an_upload_whose_line_breaks_goes_on_from_what_has_arrived(
    speak: Speak, pieces: list[bytes], naps: list[float]
) -> None:
    cut, sent = breaking((1, False), (3, True))
    listed = speak(breaks=cut).lists.send(io.BytesIO(NUMBERS), name="Spring", filename="people.csv")
    assert sent == [pieces[0], pieces[1], pieces[1], pieces[2]]
    assert listed["status"] == "preparing"
    assert len(naps) == 2


def test_a_program_that_was_stopped_goes_on_with_the_same_list(
    speak: Speak, workspace: Workspace, pieces: list[bytes], naps: list[float]
) -> None:
    cut, sent = breaking(*((number, False) for number in range(1, 20)))

    def send(center: Client) -> int:
        key = "the list of March"
        return center.lists.send(io.BytesIO(NUMBERS), name="Spring", filename="people.csv", idempotency_key=key)["id"]

    with pytest.raises(Unreachable):
        send(speak(breaks=cut))
    assert set(sent[1:]) == {pieces[1]}
    cut, sent = breaking()
    listed = RecipientList.objects.of(workspace).get(pk=send(speak(breaks=cut)))
    assert sent == pieces[1:]
    assert (listed.status, listed.bytes) == (Status.PREPARING, len(NUMBERS))
    with pytest.raises(ValueError, match=r"a file of 46 bytes, and this one has 1\."):
        speak().lists.upload(listed.pk, io.BytesIO(b"1"))


def test_a_list_whose_upload_was_ended_is_sent_from_its_start(speak: Speak, workspace: Workspace) -> None:
    """410 says that there is nothing to go on with."""
    center, listed = speak(), factories.failed_list(workspace)
    assert center.lists.upload(listed.pk, io.BytesIO(NUMBERS))["status"] == "preparing"
