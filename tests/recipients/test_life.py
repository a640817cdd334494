import io
from itertools import product

import pytest
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.roles import Role
from audit.ledger import change_status
from audit.models import Entry
from audit.refusal import Refused
from campaigns import drafts
from campaigns import transitions as campaign_transitions
from campaigns.models import Campaign
from moderation import decisions
from recipients import preparation, transitions, uploads
from recipients.listing import listing_of
from recipients.models import RecipientList
from recipients.statuses import MOVES, Status
from tests import factories
from tests.racing import race

NUMBERS = b"+31612345678\n+31612345679\n"
SETTLED = {Status.READY, Status.FAILED, Status.CANCELLED}


def actions_on(listed):
    return list(Entry.objects.about(listed).order_by("seq").values_list("action", flat=True))


def refusal(verb, *args, **kwargs):
    with pytest.raises(Refused) as refused:
        verb(*args, **kwargs)
    return refused.value


# --- Cancel -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", Status)
def test_a_list_is_cancelled_before_it_is_settled_and_never_after(workspace, author, status):
    listed = factories.LIST_IN[status](workspace)
    if Status.CANCELLED in MOVES[status]:
        assert transitions.cancel(listed.pk, by=author).status == Status.CANCELLED
    else:
        assert refusal(transitions.cancel, listed.pk, by=author).code == "wrong_status"
        listed.refresh_from_db()
        assert listed.status == status


def test_who_cancelled_a_list_and_why_is_on_the_ledger(workspace, author):
    listed = factories.preparing_list(workspace)
    transitions.cancel(listed.pk, by=author, reason="The wrong file.")
    entry = Entry.objects.about(listed).get(action="recipientlist.cancelled")
    assert (entry.actor, entry.note) == (author, "The wrong file.")


def test_a_cancelled_list_takes_another_file(workspace, author):
    listed = factories.cancelled_list(workspace)
    uploads.receive(listed.pk, io.BytesIO(NUMBERS), by=author, length=len(NUMBERS))
    preparation.prepare_list(listed.pk, now=timezone.now())
    listed.refresh_from_db()
    assert (listed.status, listed.accepted) == (Status.READY, 2)


@pytest.mark.parametrize("verb", [transitions.cancel, transitions.delete])
def test_a_file_that_was_on_its_way_when_its_list_was_put_away_is_not_taken(workspace, author, objects, verb):
    listed = factories.uploading_list(workspace)

    class Slow(io.BytesIO):
        def read(self, size=-1):
            if RecipientList.objects.get(pk=listed.pk).status == Status.UPLOADING:
                verb(listed.pk, by=author)
            return super().read(size)

    told = refusal(uploads.receive, listed.pk, Slow(NUMBERS), by=author, length=len(NUMBERS))
    assert "meanwhile" in told.message
    assert [path for path in objects.rglob("*") if path.is_file()] == []


# --- Rename, archive, restore -----------------------------------------------------------------------------------------


def test_a_list_is_renamed_and_both_names_are_on_the_ledger(workspace, author):
    listed = factories.ready_list(workspace, name="Old")
    assert transitions.rename(listed.pk, name="  New ", by=author).name == "New"
    entry = Entry.objects.about(listed).get(action="recipientlist.renamed")
    assert (entry.before, entry.after, entry.actor) == ({"name": "Old"}, {"name": "New"}, author)


def test_a_list_needs_a_name(workspace, author):
    assert refusal(transitions.rename, factories.ready_list(workspace).pk, name=" ", by=author).code == "name_missing"


def test_the_same_name_again_is_no_event(workspace, author):
    listed = factories.ready_list(workspace, name="Old")
    transitions.rename(listed.pk, name="Old", by=author)
    assert "recipientlist.renamed" not in actions_on(listed)


@pytest.mark.parametrize("status", Status)
def test_only_a_settled_list_is_archived(workspace, author, status):
    listed = factories.LIST_IN[status](workspace)
    if status in SETTLED:
        assert transitions.archive(listed.pk, by=author, now=timezone.now()).archived_at is not None
    else:
        assert refusal(transitions.archive, listed.pk, by=author, now=timezone.now()).code == "wrong_status"


def test_archiving_and_restoring_twice_is_recorded_once(workspace, author):
    listed = factories.ready_list(workspace)
    for _ in range(2):
        transitions.archive(listed.pk, by=author, now=timezone.now())
    for _ in range(2):
        assert transitions.restore(listed.pk, by=author).archived_at is None
    assert actions_on(listed)[-2:] == ["recipientlist.archived", "recipientlist.restored"]


def test_an_archived_list_is_not_given_to_another_campaign_and_stays_with_those_that_have_it(workspace, author):
    listed, now = factories.ready_list(workspace), timezone.now()
    campaign = factories.draft(workspace, list=listed)
    transitions.archive(listed.pk, by=author, now=now)
    content = factories.content(workspace, list=listed)
    assert refusal(drafts.create, workspace, content, by=author, now=now).code == "list_archived"
    drafts.amend(campaign.pk, {"text": "Another text."}, by=author, now=now)
    campaign_transitions.submit(campaign.pk, by=author, now=now)
    moderator = factories.member(workspace, Role.MODERATOR)
    assert decisions.approve_campaign(campaign.pk, by=moderator, now=now).status == "approved"


# --- Delete -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", Status)
def test_a_list_is_deleted_unless_it_is_being_prepared(workspace, author, status):
    listed = factories.LIST_IN[status](workspace)
    if Status.DELETED in MOVES[status]:
        transitions.delete(listed.pk, by=author)
        assert not RecipientList.objects.of(workspace).filter(pk=listed.pk).exists()
    else:
        assert refusal(transitions.delete, listed.pk, by=author).code == "wrong_status"


def test_a_deleted_list_keeps_its_name_and_counts_and_nothing_of_what_it_was_made_from(workspace, author):
    listed = factories.ready_list(workspace, 5, invalid=2, name="Customers")
    listed.columns, listed.layout, listed.breakdown = ["phone", "name"], "CSV", {"countries": [["NL", 5]]}
    listed.save()
    transitions.delete(listed.pk, by=author)
    digest = listed.digest
    listed.refresh_from_db()
    assert (listed.name, listed.rows, listed.accepted, listed.invalid, listed.digest) == ("Customers", 7, 5, 2, digest)
    assert (listed.filename, listed.column, listed.columns, listed.layout, listed.breakdown) == ("", "", [], "", {})
    assert actions_on(listed)[-1] == "recipientlist.deleted"


def test_a_list_that_campaigns_need_is_not_deleted_and_they_are_named(workspace, author):
    listed = factories.ready_list(workspace)
    factories.draft(workspace, list=listed, name="Spring")
    assert refusal(transitions.delete, listed.pk, by=author).message == f"{listed} is used by 1 campaign: “Spring”."
    for name in ("Summer", "Autumn", "Winter", "May"):
        factories.draft(workspace, list=listed, name=name)
    told = refusal(transitions.delete, listed.pk, by=author)
    assert told.code == "list_in_use"
    assert told.message == f"{listed} is used by 5 campaigns: “Spring”, “Summer”, “Autumn” and 2 more."


def test_a_deleted_list_is_not_given_to_a_campaign(workspace, author):
    content = factories.content(workspace, list=factories.deleted_list(workspace))
    assert refusal(drafts.create, workspace, content, by=author, now=timezone.now()).code == "list_deleted"


def test_the_database_too_refuses_a_campaign_to_a_deleted_list(workspace):
    campaign, gone = factories.draft(workspace), factories.deleted_list(workspace)
    with pytest.raises(IntegrityError, match="its list is deleted"), transaction.atomic():
        Campaign.objects.filter(pk=campaign.pk).update(list=gone)


@pytest.mark.parametrize("verb", ["rename", "restore"])
def test_nothing_is_done_to_a_deleted_list(workspace, author, verb):
    extra = {"name": "Risen"} if verb == "rename" else {}
    gone = factories.deleted_list(workspace)
    assert refusal(getattr(transitions, verb), gone.pk, by=author, **extra).code == "wrong_status"


# --- Races ------------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", range(5))
def test_a_list_is_deleted_or_given_to_a_campaign_never_both(workspace, author, turn):
    listed = factories.ready_list(workspace)
    content, now = factories.content(workspace, list=listed), timezone.now()
    outcomes = race(
        lambda: transitions.delete(listed.pk, by=author),
        lambda: drafts.create(workspace, content, by=author, now=now),
    )
    listed.refresh_from_db()
    refused = [outcome.code for outcome in outcomes if isinstance(outcome, Refused)]
    if listed.status == Status.DELETED:
        assert (refused, Campaign.objects.filter(list=listed).count()) == (["list_deleted"], 0)
    else:
        assert (refused, Campaign.objects.filter(list=listed).count()) == (["list_in_use"], 1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", range(5))
def test_a_list_is_cancelled_or_ready_never_half_of_each(workspace, author, objects, turn):
    listed = factories.preparing_list(workspace, NUMBERS)
    cancelling, _ = race(
        lambda: transitions.cancel(listed.pk, by=author),
        lambda: preparation.prepare_list(listed.pk, now=timezone.now()),
    )
    listed.refresh_from_db()
    left = [path.name for path in (objects / "lists").rglob("*") if path.is_file()]
    if isinstance(cancelling, Refused):
        assert listed.status == Status.READY and listing_of(listed).count == 2
    else:
        assert (listed.status, left) == (Status.CANCELLED, [])
        assert default_storage.exists(listed.upload_key)  # until the task that was rung erases it


@pytest.mark.parametrize(("was", "to"), [move for move in product(Status, Status) if move[1] not in MOVES[move[0]]])
def test_every_move_off_the_table_is_refused(workspace, was, to):
    listed = factories.LIST_IN[was](workspace)
    with pytest.raises(Refused), transaction.atomic():
        change_status(RecipientList.objects.lock(listed.pk), to, moves=MOVES, by=None)
