"""The second wall: with the first one taken away, a workspace still sees nothing of another."""

import threading
from contextlib import contextmanager

import pytest
from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.http import HttpResponse, StreamingHttpResponse
from django.test import RequestFactory
from django.utils import timezone

from accounts.middleware import WorkspaceMiddleware
from accounts.models import ApiKey, IdempotentCall, Invitation, JoinRequest
from accounts.roles import Role
from audit import walls
from campaigns.models import Campaign
from channels.models import Channel
from config.celery import app
from delivery.models import Inbound, Push, Spending
from moderation.models import BlockedTerm, CannedReason, Claim, Decision, Note
from notices.models import Cursor
from recipients import suppressions
from recipients.models import ErasedChunk, RecipientList, StopWords, Suppression, Upload
from recipients.statuses import Source
from reports.models import Erasure, ErasureStep, Export
from senders.models import Revision, Sender
from tests import factories, owner
from tests.config import everything
from tests.pages import signed_in
from webhooks.models import Attempt, Following

pytestmark = pytest.mark.django_db

# Who belongs where is asked to find out for which workspace a request is.
BEFORE_THE_WALL = {"accounts_membership"}
# What delivery and reports write by COPY and by the million, or count: reached by a campaign, which is behind the wall.
HANGING = {
    *("delivery_chunk", "delivery_message", "delivery_carrierid", "delivery_receipt", "delivery_doubt"),
    *("delivery_tally", "delivery_movement", "delivery_forgotten", "delivery_incident"),
    *("reports_counted", "webhooks_told"),
}


def rows(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def of_workspaces():
    """By introspection of the database: whoever adds a table cannot forget it."""
    found = rows(
        "SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity FROM pg_attribute a"
        " JOIN pg_class c ON c.oid = a.attrelid WHERE a.attname = 'workspace_id' AND c.relkind IN ('r', 'p')"
        " AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace"
    )
    return dict(found)


def hanging_tables():
    """Those that name no workspace and point at what does, with a foreign key or by the name of a column."""
    found = rows(
        "SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity FROM pg_class c"
        " WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace"
        " AND (EXISTS (SELECT FROM pg_constraint f WHERE f.conrelid = c.oid AND f.confrelid = ANY (%s::regclass[]))"
        " OR EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname IN ('campaign_id', 'list_id')))",
        list(of_workspaces()),
    )
    return {table: is_walled for table, is_walled in found if table not in of_workspaces()}


def models_behind_the_wall():
    walled = {table for table, is_walled in of_workspaces().items() if is_walled}
    return [model for model in apps.get_models() if model._meta.db_table in walled and not model._meta.proxy]


def furnish(workspace):
    """A row of each table that belongs to a workspace."""
    things = everything.things(workspace)
    factories.suppression_import(workspace)
    factories.trial(workspace)
    IdempotentCall.objects.create(workspace=workspace, key="k", fingerprint="f", status=201, body={})
    StopWords.objects.get_or_create(workspace=workspace, defaults={"words": ["STOP"]})
    CannedReason.objects.create(workspace=workspace, language="en", text="No.")
    BlockedTerm.objects.create(workspace=workspace, term=f"term {workspace.pk}")
    Attempt.objects.create(
        workspace=workspace, delivery_id=things["webhooks/deliveries"], at=timezone.now(), milliseconds=1
    )
    Following.objects.create(
        workspace=workspace, endpoint_id=things["webhooks"], campaign_id=things["campaigns"], told=[0] * 11
    )
    Cursor.objects.get_or_create(workspace=workspace, defaults={"seq": 0})
    Push.objects.create(
        workspace=workspace,
        campaign_id=things["campaigns"],
        recipient=0,
        phone=factories.FIRST_NUMBER,
        cells=[],
        digest="d",
        at=timezone.now(),
    )
    factories.day_count(Campaign.objects.get(pk=things["campaigns"]))
    return things


@contextmanager
def as_nobody():
    with walls.nothing():
        yield


def test_every_table_that_names_a_workspace_is_walled_off():
    open_ones = {table for table, is_walled in of_workspaces().items() if not is_walled}
    assert open_ones == BEFORE_THE_WALL


def test_every_table_that_hangs_on_one_of_them_is_walled_off_or_named():
    assert {table for table, is_walled in hanging_tables().items() if not is_walled} == HANGING


def furnish_what_hangs(workspace):
    """A row of each table that hangs on what belongs to a workspace, and has a wall; by the id of its workspace."""
    draft, listed = factories.in_review(workspace), factories.ready_list(workspace)
    factories.approved(workspace)
    judge = factories.somebody(workspace, Role.MODERATOR)
    Claim.objects.create(campaign=draft, holder=judge, since=timezone.now(), until=timezone.now())
    Note.objects.create(campaign=draft, by=judge, at=timezone.now(), text="Look at the link.")
    Upload.objects.create(list=listed, length=1, key="k", expires_at=timezone.now(), created_by=judge)
    ErasedChunk.objects.create(list=listed, number=0, recipients=1, at=timezone.now())
    given = {"known_as": "k", "reason": "They asked.", "look_at": timezone.now(), "waits_until": timezone.now()}
    erasure = Erasure.objects.create(workspace=workspace, **given)
    ErasureStep.objects.create(erasure=erasure, place="lists")


PATHS = {
    **dict.fromkeys((Decision, Claim, Note), "campaign__workspace"),
    **dict.fromkeys((Upload, ErasedChunk), "list__workspace"),
    **{Revision: "sender__workspace", Revision.history.model: "sender__workspace", ErasureStep: "erasure__workspace"},
}


def test_what_hangs_on_a_workspaces_rows_is_seen_with_them_and_by_nobody_else():
    ours, theirs = factories.workspace(), factories.workspace()
    furnish_what_hangs(ours), furnish_what_hangs(theirs)
    walled = rows("SELECT tablename FROM pg_policies WHERE policyname = 'of_parent'")
    assert {model._meta.db_table for model in PATHS} == {table for (table,) in walled}
    for model, path in PATHS.items():
        everybodys = set(model.objects.values_list(path, flat=True))
        with walls.within(ours.pk):
            seen = set(model.objects.values_list(path, flat=True))
        with walls.nothing():
            assert not model.objects.exists(), model
        assert (seen, everybodys) == ({ours.pk}, {ours.pk, theirs.pk}), model


def test_nobody_writes_a_decision_on_a_strangers_campaign_nor_a_claim(workspace):
    theirs = factories.in_review(factories.workspace())
    judge = factories.somebody(workspace, Role.MODERATOR)
    with walls.within(workspace.pk), pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
        Claim.objects.create(campaign=theirs, holder=judge, since=timezone.now(), until=timezone.now())


def test_without_any_filter_a_workspace_sees_its_own_rows_and_none_of_another():
    ours, theirs = factories.workspace(), factories.workspace()
    furnish(ours), furnish(theirs)
    empty = set()
    for model in models_behind_the_wall():
        total = set(model.objects.values_list("workspace_id", flat=True))
        with walls.within(ours.pk):
            seen = set(model.objects.values_list("workspace_id", flat=True))
        assert seen <= {ours.pk, None}, model
        if theirs.pk not in total:
            empty.add(model)
    assert empty <= {Inbound, Spending}, "nothing is proved by an empty table"


def test_where_nobody_said_for_whom_there_are_no_rows_at_all(workspace):
    furnish(workspace)
    with as_nobody():
        assert {model for model in models_behind_the_wall() if model.objects.exists()} == set()


def test_a_strangers_row_is_neither_changed_nor_deleted_nor_written(workspace):
    theirs = factories.draft(factories.workspace())
    with walls.within(workspace.pk):
        assert Campaign.objects.filter(pk=theirs.pk).update(name="ours") == 0
        assert rows("DELETE FROM senders_sender WHERE id = %s RETURNING id", theirs.sender_id) == []
        with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
            Sender.objects.create(workspace=theirs.workspace, name="ours", created_by=theirs.created_by)
        with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
            factories.sender(workspace).__class__.objects.update(workspace=theirs.workspace)
    theirs.refresh_from_db()
    assert theirs.name != "ours"


def test_where_nobody_said_for_whom_nothing_is_written(workspace):
    by = factories.user()
    with as_nobody(), pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
        Sender.objects.create(workspace=workspace, name="Nobody's", created_by=by)


def test_the_owner_of_the_tables_is_held_too(workspace):
    factories.draft(workspace)
    with owner.at_work() as cursor, as_nobody():
        cursor.execute("SELECT count(*) FROM campaigns_campaign")
        assert cursor.fetchone() == (0,)


def test_what_binds_everybody_is_seen_by_everybody_and_changed_by_the_system(workspace):
    shared = Suppression.objects.create(
        workspace=None, phone=factories.FIRST_NUMBER, source=Source.HAND, reason="They asked."
    )
    with walls.within(workspace.pk):
        assert Suppression.objects.filter(pk=shared.pk).exists()
        assert rows("DELETE FROM recipients_suppression WHERE id = %s RETURNING id", shared.pk) == []
    with as_nobody():
        assert not Suppression.objects.exists()


# --- How long a scope lasts -------------------------------------------------------------------------------------------


def scope_of_the_connection():
    return rows("SELECT current_setting(%s, true)", walls.SETTING)[0][0]


def test_a_scope_ends_with_its_block_also_when_it_ends_badly(workspace):
    with pytest.raises(ZeroDivisionError), walls.within(workspace.pk):
        assert scope_of_the_connection() == str(workspace.pk)
        raise ZeroDivisionError
    assert scope_of_the_connection() == walls.EVERYTHING


def test_a_rollback_brings_back_the_scope_of_before(workspace):
    with walls.within(workspace.pk):
        with pytest.raises(ProgrammingError), transaction.atomic(), walls.everything():
            rows("SELECT nothing_of_the_kind()")
        assert scope_of_the_connection() == str(workspace.pk)


@pytest.mark.django_db(transaction=True)
def test_a_new_connection_is_told_the_scope_of_its_thread_and_an_old_one_forgets_the_last(workspace):
    factories.draft(workspace)
    with walls.within(workspace.pk):
        connection.close()
        assert Campaign.objects.count() == 1
    with walls.nothing():  # the same connection, taken again
        assert Campaign.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_a_thread_begins_with_the_scope_of_its_process_and_not_with_that_of_another_thread(workspace, monkeypatch):
    factories.draft(workspace)
    monkeypatch.setattr(walls._process, "scope", walls.NOTHING)
    seen = []

    def look():
        seen.append(Campaign.objects.count())
        connection.close()

    with walls.within(workspace.pk):
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
        seen.append(Campaign.objects.count())
    connection.close()  # it was told of the process that this is no more, and would hide what must be emptied
    assert seen == [0, 1]


# --- Who sets it ------------------------------------------------------------------------------------------------------


@pytest.fixture
def first_wall_down(monkeypatch):
    """As if every query of the edges had forgotten its `.of(workspace)`."""
    models = (Campaign, RecipientList, Sender, Suppression, ApiKey, Invitation, JoinRequest)
    for queryset in {type(model.objects.all()) for model in models}:
        monkeypatch.setattr(queryset, "of", lambda self, workspace: self.all())


@pytest.mark.parametrize("kind", ["campaigns", "lists", "senders", "keys", "invitations", "join-requests"])
def test_the_api_shows_nothing_of_a_stranger_with_the_first_wall_down(workspace, kind, first_wall_down):
    ours, theirs = furnish(workspace), furnish(factories.workspace())
    client = factories.bearer(factories.token(workspace, factories.member(workspace, Role.ADMIN)))
    shown = [row["id"] for row in client.get(f"/api/v1/{kind}/").json()["results"]]
    assert ours[kind] in shown and theirs[kind] not in shown
    assert client.get(f"/api/v1/{kind}/{theirs[kind]}/").status_code == 404


@pytest.mark.parametrize("kind", ["campaigns", "lists", "senders"])
def test_pages_show_nothing_of_a_stranger_with_the_first_wall_down(workspace, admin, kind, first_wall_down):
    ours, theirs = furnish(workspace), furnish(factories.workspace())
    page = signed_in(admin, workspace)
    assert page.get(f"/{kind}/{theirs[kind]}/").status_code == 404
    assert page.get(f"/{kind}/{ours[kind]}/").status_code == 200


def answer_of(request, view):
    request.user, request.session = AnonymousUser(), {}
    return WorkspaceMiddleware(view)(request)


def test_a_request_of_nobody_sees_nothing_whatever_the_process_is(workspace):
    factories.draft(workspace)
    answer = answer_of(RequestFactory().get("/"), lambda request: HttpResponse(str(Campaign.objects.count())))
    assert answer.content == b"0"


def test_what_is_streamed_later_has_the_scope_of_its_request(workspace):
    factories.draft(workspace)

    def flow():
        yield str(Campaign.objects.count()).encode()

    answer = answer_of(RequestFactory().get("/"), lambda request: StreamingHttpResponse(flow()))
    assert b"".join(answer.streaming_content) == b"0"
    assert walls.current() == walls.EVERYTHING


def test_a_worker_says_itself_that_it_serves_all_workspaces(monkeypatch):
    from celery.signals import worker_init

    monkeypatch.setattr(walls._process, "scope", walls.NOTHING)
    worker_init.send(sender=app)
    assert walls.current() == walls.EVERYTHING


def test_streamed_exports_of_pages_are_whole(workspace, admin):
    suppressions.opt_out(workspace, factories.FIRST_NUMBER)
    client = factories.bearer(factories.token(workspace, admin))
    lines = b"".join(client.get("/api/v1/suppressions/export/").streaming_content).splitlines()
    assert len(lines) == 2


def test_channels_are_of_no_workspace_and_seen_by_all(workspace):
    factories.channel("shared")
    with walls.within(workspace.pk):
        assert Channel.objects.exists()


# --- Links ------------------------------------------------------------------------------------------------------------

LINKS = """
SELECT c.conrelid::regclass::text, a.attname, c.confrelid::regclass::text
FROM pg_constraint c
JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
JOIN pg_attribute mine ON mine.attrelid = c.conrelid AND mine.attname = 'workspace_id'
JOIN pg_attribute other ON other.attrelid = c.confrelid AND other.attname = 'workspace_id'
WHERE c.contype = 'f' AND cardinality(c.conkey) = 1 AND c.conparentid = 0
"""
HELD = """
SELECT EXISTS (
    SELECT FROM pg_constraint c
    JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
    JOIN pg_attribute b ON b.attrelid = c.conrelid AND b.attnum = c.conkey[2]
    WHERE c.contype = 'f' AND c.conrelid = %s::regclass AND c.confrelid = %s::regclass
      AND cardinality(c.conkey) = 2 AND a.attname = 'workspace_id' AND b.attname = %s
)
"""


def test_every_link_between_what_belongs_to_workspaces_is_held_within_one():
    links = rows(LINKS)
    assert ("campaigns_campaign", "list_id", "recipients_recipientlist") in links
    loose = [(table, column) for table, column, other in links if not rows(HELD, table, other, column)[0][0]]
    assert loose == []


@pytest.mark.parametrize("column", ["sender_id", "list_id"])
def test_sql_links_no_campaign_to_what_a_stranger_has(workspace, column):
    ours, theirs = factories.draft(workspace), factories.draft(factories.workspace())
    pk = {"sender_id": theirs.sender_id, "list_id": factories.ready_list(theirs.workspace).pk}
    with pytest.raises(IntegrityError, match=f"{column}_same_workspace_id"), transaction.atomic():
        rows(f"UPDATE campaigns_campaign SET {column} = %s WHERE id = %s RETURNING id", pk[column], ours.pk)


def test_sql_binds_no_campaign_to_a_revision_of_another_sender(workspace):
    ours, other = factories.draft(workspace), factories.draft(workspace)
    with pytest.raises(IntegrityError, match="revision_id_same_sender_id"), transaction.atomic():
        rows("UPDATE campaigns_campaign SET revision_id = %s WHERE id = %s RETURNING id", other.revision_id, ours.pk)


def test_sql_makes_no_export_of_a_strangers_campaign(workspace):
    theirs = factories.done(factories.workspace())
    with pytest.raises(IntegrityError, match="campaign_id_same_workspace_id"), transaction.atomic():
        Export.objects.create(workspace=workspace, campaign=theirs, requested_by=theirs.created_by)
