"""A database that was restored to an earlier point sends nothing, and what may have been sent since is in doubt."""

import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from audit.models import Entry
from campaigns import transitions as campaign_transitions
from campaigns.models import Campaign
from campaigns.statuses import Mode, Status
from delivery import chunk_files, counters, due, halting, matching, restoring, results, witness
from delivery.models import Chunk, Doubt, Incident, Intent, Message
from delivery.statuses import ChunkStatus, HaltKind, IncidentKind, MessageState
from objects.store import store
from reports import reconciliation
from tests import evidence, factories
from tests.delivery.ground import arrive, batch_of, claim, forget, intend, receipt, send, under_way
from tests.delivery.test_quarantine import damage, mend
from tests.racing import race

pytestmark = pytest.mark.django_db

S = MessageState
FIRST = factories.FIRST_NUMBER
HOUR = timedelta(hours=1)
OK, THROTTLED = (0, b"A1"), (0x58, b"")


def freeze(reason="Restored."):
    return restoring.freeze(reason=reason, now=timezone.now())


def thaw(**given):
    return restoring.thaw(now=timezone.now(), **given)


def fresh(row):
    return type(row).objects.get(pk=row.pk)


def states_of(campaign):
    return dict(Message.objects.filter(campaign=campaign).order_by("recipient").values_list("recipient", "state"))


def seen(**given):
    return witness.Sight(**{"database": witness.look().database, "last_intent": 0, **given})


def is_frozen():
    return [halt.kind for halt in halting.in_force()] == [HaltKind.RESTORE]


# --- It is found out --------------------------------------------------------------------------------------------------


def test_a_database_that_goes_on_is_never_frozen(workspace):
    _, [chunk] = under_way(workspace, 4)
    assert restoring.check(now=timezone.now())
    mine = claim(chunk)
    for _ in range(2):
        assert send(mine, [OK])
        assert restoring.check(now=timezone.now())
    assert set(witness.kept()) == {witness.look()}
    assert witness.look().last_intent == Intent.objects.latest("pk").pk
    assert not halting.in_force()


def test_one_that_has_forgotten_intents_is_frozen_and_what_was_seen_stays(workspace):
    campaign, [chunk] = under_way(workspace, 4)
    send(claim(chunk), [OK])
    before = seen(last_intent=Intent.objects.latest("pk").pk + 1)
    witness.keep(before)
    for _ in range(2):  # however often it is asked
        assert not restoring.check(now=timezone.now())
        assert set(witness.kept()) == {before}
    assert is_frozen()
    assert (fresh(campaign).status, fresh(chunk).status) == (Status.PAUSED, ChunkStatus.FROZEN)
    incident = Incident.objects.get()
    assert (incident.kind, incident.count) == (IncidentKind.RESTORED, 1)
    assert incident.sample.startswith("Frozen: 1 chunks; paused: 1 campaigns")


def test_one_that_is_another_is_frozen_however_many_intents_it_has(workspace):
    _, [chunk] = under_way(workspace, 4)
    send(claim(chunk), [OK])
    witness.keep(seen(database="7/00000001/5/9"))
    assert not restoring.check(now=timezone.now())
    assert is_frozen()


def test_a_new_one_beside_old_objects_is_not(workspace):
    witness.keep(seen(database="7/00000001/5/9", last_intent=1000))
    assert restoring.check(now=timezone.now())
    assert set(witness.kept()) == {witness.look()}


def test_without_the_object_storage_nothing_is_known(workspace, settings, tmp_path):
    (tmp_path / "not-a-folder").write_text("")
    backend = {**settings.STORAGES["default"], "OPTIONS": {"location": tmp_path / "not-a-folder"}}
    settings.STORAGES = {**settings.STORAGES, "default": backend}
    with pytest.raises(OSError):
        restoring.check(now=timezone.now())


def test_a_witness_that_cannot_be_read_is_not_taken_for_none(workspace):
    for key in witness.KEYS:
        store.put(key, b'{"database": ')
    with pytest.raises(OSError, match="not what was written"):
        restoring.check(now=timezone.now())


@pytest.mark.parametrize("half", witness.KEYS)
def test_of_a_witness_that_was_half_written_the_other_half_tells(workspace, half):
    _, [chunk] = under_way(workspace, 4)
    send(claim(chunk), [OK])
    witness.keep(seen(last_intent=Intent.objects.latest("pk").pk + 1))
    store.put(half, b"")
    assert not restoring.check(now=timezone.now())


# --- Frozen -----------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_processes_that_find_it_out_at_the_same_moment_freeze_it_together(workspace):
    campaign, _ = under_way(workspace, 2)
    found = race(freeze, freeze, freeze)
    assert [error for error in found if isinstance(error, Exception)] == []
    assert sum(one.is_anything for one in found) == 1
    assert is_frozen()
    assert fresh(campaign).status == Status.PAUSED


def test_frozen_nothing_is_intended_rung_or_started_until_it_is_released(workspace, rung, author):
    campaign, [chunk, _] = under_way(workspace, 20, chunk_size=10)
    mine = claim(chunk)
    freeze()
    rung.clear()
    assert intend(mine, 2) is None
    assert claim(chunk) is None
    campaign_transitions.resume(campaign.pk, by=author, now=timezone.now())  # somebody who knows nothing of it
    Chunk.objects.update(rung_at=None)
    due.tick(now=timezone.now() + HOUR)
    assert rung == []
    assert not Intent.objects.exists()


def test_what_was_due_and_may_have_started_since_fails_and_what_is_due_later_starts_then(workspace):
    now = timezone.now()
    later = factories.approved(workspace, mode=Mode.SCHEDULED, send_at=now + HOUR)
    was_due = factories.approved(workspace)
    assert freeze().failed == 1
    assert fresh(was_due).status == Status.FAILED
    assert "may have been sent since" in fresh(was_due).stopped_because
    thaw()
    due.tick(now=now + HOUR)
    assert fresh(later).status == Status.SENDING


def test_a_worker_that_comes_back_with_a_batch_changes_nothing_of_a_frozen_chunk(workspace):
    """It was at work before the restore, on rows that the database has forgotten."""
    campaign, [chunk] = under_way(workspace, 4)
    mine = claim(chunk)
    chosen = intend(mine, 2)
    freeze()
    assert not results.store(batch_of(mine, chosen, [OK, OK]), mine, now=timezone.now())
    assert states_of(campaign) == {}


def test_campaigns_that_were_over_stay_as_they_are(workspace):
    done = factories.done(workspace)
    evidence.dispatched(done)
    called_off = factories.called_off(workspace)
    evidence.dispatched(called_off, handed_over=[1])
    assert not freeze().is_anything
    assert [chunk.status for chunk in Chunk.objects.order_by("pk")] == [ChunkStatus.DONE, ChunkStatus.OPEN]


# --- Released ---------------------------------------------------------------------------------------------------------


def test_whoever_has_no_result_is_in_doubt_and_the_campaign_balances_and_ends(workspace, author):
    campaign, chunks = under_way(workspace, 20, chunk_size=10)
    mine = claim(chunks[0])
    send(mine, [OK, THROTTLED, (0x0B, b""), None])
    intend(mine, 2)
    freeze()
    thawed = thaw()
    assert (thawed.chunks, thawed.uncertain, thawed.left) == (2, 18, [])
    states = states_of(campaign)
    assert [states[recipient] for recipient in range(5)] == [
        *(S.PENDING, S.UNCERTAIN, S.FAILED, S.UNCERTAIN, S.UNCERTAIN)
    ]
    assert {states[recipient] for recipient in range(4, 20)} == {S.UNCERTAIN}
    assert Doubt.objects.count() == 18
    assert [chunk.status for chunk in Chunk.objects.all()] == [ChunkStatus.DONE] * 2
    assert not halting.in_force()
    campaign = Campaign.objects.select_related("list").get(pk=campaign.pk)
    assert reconciliation.differences(campaign) == []

    campaign_transitions.resume(campaign.pk, by=author, now=timezone.now())
    due.tick(now=timezone.now())
    campaign = Campaign.objects.select_related("list").get(pk=campaign.pk)
    assert campaign.status == Status.DONE
    totals = counters.totals(campaign)
    assert (totals.uncertain, totals.waiting, totals.balanced) == (18, 0, True)


def test_a_receipt_says_that_one_of_them_was_taken_after_all(workspace):
    campaign, _ = under_way(workspace, 4)
    freeze()
    thaw()
    forget()
    now = timezone.now() + HOUR
    arrive(campaign.channel_id, receipt("77", FIRST + 2), at=now - timedelta(minutes=30))
    matching.match_pending(now=now)
    assert states_of(campaign)[2] == S.DELIVERED


def test_what_is_vouched_for_goes_on_where_it_was(workspace, author):
    campaign, [chunk] = under_way(workspace, 4)
    send(claim(chunk), [OK])
    freeze()
    assert thaw(untouched=[campaign.pk]).uncertain == 0
    assert fresh(chunk).status == ChunkStatus.OPEN
    campaign_transitions.resume(campaign.pk, by=author, now=timezone.now())
    assert intend(claim(fresh(chunk)), 3) == range(1, 4)
    assert Entry.objects.about(campaign).filter(action="campaign.chunk_vouched_for").exists()


def test_what_cannot_be_read_stays_frozen_until_it_can(workspace):
    campaign, chunks = under_way(workspace, 20, chunk_size=10)
    chunk_files.forget()
    good = damage(chunks[0])
    freeze()
    assert thaw().left == [str(chunks[0])]
    assert [fresh(chunk).status for chunk in chunks] == [ChunkStatus.FROZEN, ChunkStatus.DONE]
    mend(chunks[0], good)
    assert (thaw().uncertain, counters.totals(campaign).uncertain) == (10, 20)


def test_once_released_it_is_the_database_that_is_sent_from(workspace):
    under_way(workspace, 4)
    witness.keep(seen(database="another"))
    assert not restoring.check(now=timezone.now())
    thaw()
    assert restoring.check(now=timezone.now())
    assert not halting.in_force()


# --- By command -------------------------------------------------------------------------------------------------------


def test_the_commands_freeze_and_release_only_when_they_are_told_twice(workspace):
    campaign, [chunk] = under_way(workspace, 4)
    out = io.StringIO()
    call_command("freeze", stdout=out)
    assert "1 chunks are frozen, 1 campaigns paused" in out.getvalue()
    with pytest.raises(CommandError, match="1 frozen chunks"):
        call_command("release_restore")
    with pytest.raises(CommandError, match="Nothing is frozen of campaign 999999999"):
        call_command("release_restore", "--untouched", "999999999")
    assert fresh(chunk).status == ChunkStatus.FROZEN
    call_command("release_restore", "--confirm", stdout=out)
    assert "4 recipients are in doubt" in out.getvalue()
    assert not halting.in_force()
    assert fresh(campaign).status == Status.PAUSED


def test_there_is_nothing_to_release_where_nothing_was_frozen(workspace):
    with pytest.raises(CommandError, match="Nothing is frozen"):
        call_command("release_restore", "--confirm")


def test_the_witness_is_two_small_objects(workspace):
    restoring.check(now=timezone.now())
    assert {found.key for page in store.pages("delivery/") for found in page} == set(witness.KEYS)


def test_the_database_is_known_by_its_cluster_timeline_and_tables(db):
    with connection.cursor() as cursor:
        cursor.execute("SELECT system_identifier::text FROM pg_control_system()")
        (cluster,) = cursor.fetchone()
    assert witness.look().database.split("/")[:2] == [cluster, "00000001"]
