"""What is kept no longer goes from every store, by its workspace's days; and nothing else does."""

import io
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts import keeping
from audit.models import Entry
from audit.refusal import Refused
from campaigns.models import Campaign
from delivery import counters, housekeeping, retention
from delivery.models import CarrierId, Doubt, Forgotten, Inbound, Message
from recipients import erasing
from recipients.models import RecipientList
from recipients.statuses import Status as ListStatus
from reports import reconciliation, retaining
from reports.models import Export
from reports.statuses import Status as ExportStatus
from tests import evidence, factories
from tests.pages import signed_in, text_of

pytestmark = pytest.mark.django_db

NOW = timezone.now()
DAY = timedelta(days=1)


def keeps(workspace, **days):
    for name, value in days.items():
        setattr(workspace, f"{name}_kept_days", value)
    workspace.save()
    return workspace


def begun(campaign, ago):
    """As if it had started so many days ago, with messages of that day: half delivered, half in doubt."""
    start = NOW - ago * DAY
    housekeeping.prepare_partitions(today=start.date())
    with connection.cursor() as cursor:
        cursor.execute("UPDATE campaigns_campaign SET started_at = %s WHERE id = %s", [start, campaign.pk])
        cursor.execute("UPDATE recipients_recipientlist SET ready_at = %s WHERE id = %s", [start, campaign.list_id])
    campaign = Campaign.objects.select_related("list").get(pk=campaign.pk)
    outcomes = [evidence.DELIVERED, evidence.UNANSWERED]
    evidence.dispatched(campaign, lambda recipient: outcomes[recipient % 2], at=start)
    return campaign


def over(workspace, *, ago, make=factories.done):
    return begun(make(workspace, list=factories.ready_list(workspace, 4)), ago)


def inbound(workspace, *, ago):
    channel = factories.channel(f"in-{Inbound.objects.count()}", is_default=False)
    said = {"received_at": NOW - ago * DAY, "text": "Hello", "data_coding": 0, "raw": b"x", "phone": 31612345678}
    made = Inbound.objects.create(workspace=workspace, channel=channel, **said)
    with connection.cursor() as cursor:  # a table with events that wait for the commit cannot be altered
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    return made


def command(*options):
    out = io.StringIO()
    call_command("retention", *options, stdout=out)
    return out.getvalue().splitlines()


def test_a_workspace_that_keeps_less_loses_the_details_and_keeps_the_totals(workspace, author):
    keeps(workspace, messages=30)
    mine, other = over(workspace, ago=100), over(factories.workspace(), ago=100)
    before = counters.totals(mine)
    retaining.run(now=NOW)
    assert not Message.objects.filter(campaign=mine).exists() and not Doubt.objects.filter(campaign=mine).exists()
    assert not CarrierId.objects.filter(campaign=mine).exists()
    assert Message.objects.filter(campaign=other).count() == 4
    assert counters.totals(mine) == before
    assert "no longer kept" in text_of(signed_in(author).get(f"/campaigns/{mine.pk}/recipients/"))
    assert reconciliation.check([mine], receipts_since=NOW - 200 * DAY) == {}
    assert [one.after for one in Entry.objects.filter(action="campaign.details_forgotten")] == [{"messages": 4}]


def test_details_stay_until_the_month_is_over_and_the_days_after_it(workspace):
    factories.workspace()  # which keeps its messages for longer
    keeps(workspace, messages=30)
    campaign = over(workspace, ago=100)
    ends = (campaign.started_at.replace(day=1) + 32 * DAY).replace(day=1).date()
    assert retention.to_forget(today=ends + 29 * DAY) == []
    assert retention.to_forget(today=ends + 30 * DAY) == [campaign.pk]


def test_a_month_stays_for_the_workspace_that_keeps_it_longest(workspace):
    keeps(workspace, messages=1000)
    mine, other = over(workspace, ago=500), over(factories.workspace(), ago=500)
    due = retaining.run(now=NOW)
    assert retention.month_of(mine) not in due.partitions and due.campaigns == [other.pk]
    assert retention.is_kept(mine) and not retention.is_kept(other)
    keeps(workspace, messages=None)
    assert retention.month_of(mine) in retaining.run(now=NOW).partitions


@pytest.mark.parametrize("make", [factories.sending, factories.paused])
def test_a_campaign_that_is_not_over_keeps_its_details_and_its_list(workspace, make):
    keeps(workspace, messages=1, lists=1)
    campaign = over(workspace, ago=100, make=make)
    due = retaining.run(now=NOW)
    assert (due.campaigns, due.lists) == ([], [])
    assert Message.objects.filter(campaign=campaign).count() == 4


def test_a_list_goes_once_nobody_asks_for_its_chunks_and_its_digest_stays(workspace, author):
    keeps(workspace, lists=10)
    campaign = over(workspace, ago=100)
    listed = campaign.list
    draft = factories.campaign(workspace, list=factories.ready_list(workspace, 2))
    RecipientList.objects.filter(pk=draft.list_id).update(ready_at=NOW - 100 * DAY)
    unused = factories.ready_list(workspace, 2)
    RecipientList.objects.filter(pk=unused.pk).update(ready_at=NOW - 11 * DAY)
    young = factories.ready_list(workspace, 2)
    assert retaining.run(now=NOW).lists == [unused.pk]  # the details of the campaign are kept
    keeps(workspace, messages=30)
    assert retaining.run(now=NOW).lists == [listed.pk]
    assert not RecipientList.objects.filter(pk__in=[draft.list_id, young.pk], status=ListStatus.DELETED).exists()
    erasing.erase(listed.pk, now=NOW)
    assert not default_storage.exists(listed.manifest_key)
    gone = RecipientList.objects.get(pk=listed.pk)
    assert (gone.status, gone.digest, gone.accepted) == (ListStatus.DELETED, listed.digest, 4)
    page = signed_in(author)
    for part in ("", "recipients/", "errors/", "exports/", "progress/"):
        assert page.get(f"/campaigns/{campaign.pk}/{part}").status_code == 200


def test_a_list_that_somebody_chose_meanwhile_stays(workspace):
    keeps(workspace, lists=10, messages=30)
    campaign = over(workspace, ago=100)
    factories.campaign(workspace, list=campaign.list)
    assert retaining.run(now=NOW).lists == []
    assert RecipientList.objects.get(pk=campaign.list_id).status == ListStatus.READY


def exported(campaign, author, *, ago):
    key = default_storage.save(f"exports/{campaign.pk}-{ago}", ContentFile(b"to,status\n"))
    written = {"status": ExportStatus.READY, "key": key, "ready_at": NOW - ago * DAY, "requested_by": author}
    return Export.objects.create(workspace=campaign.workspace, campaign=campaign, **written)


def test_an_exports_file_goes_after_the_days_of_its_workspace(workspace, author, django_capture_on_commit_callbacks):
    campaign = over(keeps(workspace, exports=2), ago=20)
    old, young = exported(campaign, author, ago=3), exported(campaign, author, ago=1)
    assert old.kept_until == old.ready_at + 2 * DAY
    with django_capture_on_commit_callbacks(execute=True):
        assert retaining.run(now=NOW).exports == [old.pk]
    assert not default_storage.exists(old.key) and default_storage.exists(young.key)
    keeps(workspace, exports=None)
    longer = keeps(factories.workspace(), exports=30)
    third = exported(over(longer, ago=40), factories.member(longer), ago=20)
    assert retaining.run(now=NOW).exports == []
    assert Export.objects.get(pk=third.pk).status == ExportStatus.READY


def test_messages_from_phones_go_after_the_days_of_their_workspace(workspace):
    keeps(workspace, inbound=30)
    old, young = inbound(workspace, ago=31), inbound(workspace, ago=29)
    others, nobodys, ancient = inbound(factories.workspace(), ago=31), inbound(None, ago=31), inbound(None, ago=401)
    assert retaining.run(now=NOW).inbound == {None: 1, workspace.pk: 1}
    left = set(Inbound.objects.values_list("pk", flat=True))
    assert left == {young.pk, others.pk, nobodys.pk} and not left & {old.pk, ancient.pk}


def test_messages_from_phones_are_still_append_only_afterwards(workspace):
    keeps(workspace, inbound=30)
    young = inbound(workspace, ago=29)
    inbound(workspace, ago=31)
    retaining.run(now=NOW)
    for change in (young.delete, lambda: Inbound.objects.update(text="Other")):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change()


def test_nothing_of_the_last_day_can_be_deleted_by_any_call(workspace):
    inbound(workspace, ago=0)
    with pytest.raises(DatabaseError, match="are kept"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT forget_inbound(%s, now())", [workspace.pk])
    assert Inbound.objects.count() == 1


def everything():
    """What there is, by store."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relname LIKE 'delivery_%' AND relkind IN ('r', 'p')")
        tables = {name for (name,) in cursor.fetchall()}
    rows = {model: model.objects.count() for model in (Message, CarrierId, Doubt, Forgotten, Inbound, Entry)}
    states = {pk: status for pk, status in RecipientList.objects.values_list("pk", "status")}
    return tables, rows, states, dict(Export.objects.values_list("pk", "status"))


def test_a_dry_run_says_what_the_run_does_and_changes_nothing(workspace, author):
    keeps(workspace, messages=30, lists=10, exports=2, inbound=30)
    ancient = over(factories.workspace(), ago=500)
    campaign = over(workspace, ago=100)
    recent = over(workspace, ago=3)
    export = exported(recent, author, ago=2.5)
    inbound(workspace, ago=31)
    before = everything()
    said = command("--dry-run")
    assert everything() == before
    assert said == command()
    wanted = {
        f"partition {retention.month_of(ancient)}",
        f"details of campaign {campaign.pk}",
        f"list {campaign.list_id}",
        f"export {export.pk}",
        f"1 messages from phones, workspace {workspace.pk}",
    }
    assert wanted <= set(said)
    assert {line for line in said if not line.startswith("partition ")} == {*wanted} - {
        f"partition {retention.month_of(ancient)}"
    }
    assert command("--dry-run") == command() == ["Nothing is old enough."]
    assert Message.objects.filter(campaign=recent).count() == 4


def test_a_super_admin_sets_the_days_of_a_workspace_and_the_ledger_has_them(workspace):
    page = signed_in(factories.user(is_staff=True, is_superuser=True))
    shape = {"name": workspace.name, "slug": workspace.slug, "time_zone": "UTC", "country": "", "four_eyes": "on"}
    shape |= {"messages_kept_days": "30", "lists_kept_days": "", "exports_kept_days": "2", "inbound_kept_days": ""}
    path = f"/admin/accounts/workspace/{workspace.pk}/change/"
    assert page.post(path, shape).status_code == 302
    workspace.refresh_from_db()
    assert (workspace.messages_kept_days, workspace.lists_kept_days, workspace.exports_kept_days) == (30, None, 2)
    changed = Entry.objects.about(workspace).filter(action="workspace.changed").latest("seq")
    assert changed.after["messages_kept_days"] == "30"
    assert page.post(path, {**shape, "messages_kept_days": "0"}).status_code == 200  # and says what is wrong
    workspace.refresh_from_db()
    assert workspace.messages_kept_days == 30


def test_an_admin_sets_the_days_on_a_page_that_says_what_goes_next_and_others_look(workspace, admin, author):
    keeps(workspace, messages=30, inbound=30)
    over(workspace, ago=70)
    inbound(workspace, ago=31)
    elsewhere = keeps(factories.workspace(), inbound=1)
    inbound(elsewhere, ago=3)
    page = signed_in(admin, workspace)
    assert retaining.look_in(workspace, now=NOW) == retaining.DueHere(campaigns=1, lists=0, exports=0, inbound=1)
    assert "Campaigns whose messages go</dt><dd>1</dd>" in text_of(page.get("/retention/"))
    days = {"messages_kept_days": "400", "lists_kept_days": "", "exports_kept_days": "2", "inbound_kept_days": "40"}
    assert page.post("/retention/", days).url == "/retention/"
    workspace.refresh_from_db()
    assert (workspace.messages_kept_days, workspace.lists_kept_days, workspace.exports_kept_days) == (400, None, 2)
    assert retaining.look_in(workspace, now=NOW) == retaining.DueHere(campaigns=0, lists=0, exports=0, inbound=0)
    entry = Entry.objects.about(workspace).get(action="workspace.kept")
    assert (entry.actor, entry.before["inbound_kept_days"], entry.after["inbound_kept_days"]) == (admin, 30, 40)
    assert page.post("/retention/", {**days, "lists_kept_days": "0"}).status_code == 400
    assert Entry.objects.about(workspace).filter(action="workspace.kept").count() == 1
    look = signed_in(author, workspace)
    seen = text_of(look.get("/retention/"))
    assert "<dt>Messages</dt><dd>400 days<" in seen and "<dt>Lists</dt><dd>No days of its own<" in seen
    assert look.post("/retention/", days).status_code == 403
    with pytest.raises(Refused) as refusal:
        keeping.keep(workspace.pk, by=author, lists_kept_days=3)
    assert refusal.value.code == "not_an_admin"
