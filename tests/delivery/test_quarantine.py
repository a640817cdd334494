"""A chunk that cannot be worked on is put aside: the others go on, and a person decides."""

import io
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.utils import timezone

from audit.models import Entry
from audit.refusal import Refused
from campaigns import transitions as campaign_transitions
from campaigns.models import Campaign
from campaigns.statuses import Status
from delivery import chunk_files, counters, dispatching, due, evidence, quarantine, transitions
from delivery.models import Chunk, Incident, Message
from delivery.statuses import ChunkStatus, IncidentKind, MessageState
from reports import reconciliation
from tests import factories
from tests.delivery.ground import bound, claim, intend, late, send, under_way
from tests.delivery.wire import Peer
from tests.pages import signed_in, text_of

pytestmark = pytest.mark.django_db

OK = (0, b"A1")


@pytest.fixture(autouse=True)
def nothing_in_memory():
    chunk_files.forget()


def damage(chunk):
    """Other bytes of the same length; what they were."""
    with default_storage.open(chunk.key, "rb") as file:
        good = file.read()
    with default_storage.open(chunk.key, "wb") as file:
        file.write(good[:-1] + bytes([good[-1] ^ 1]))
    return good


def mend(chunk, good):
    with default_storage.open(chunk.key, "wb") as file:
        file.write(good)


def status_of(chunk):
    return Chunk.objects.get(pk=chunk.pk).status


def work_on(chunk):
    dispatching.work_on(chunk.pk, clock=timezone.now)


def put_aside(chunk, why="Chunk 0: ValueError, 5 times in a row."):
    quarantine.put_aside(chunk.pk, IncidentKind.CHUNK_FAILED, why, now=timezone.now())


@pytest.mark.django_db(transaction=True)
def test_a_damaged_chunk_sends_nothing_the_others_are_sent_and_the_campaign_waits_for_it(
    workspace,
    listening,
    links,
):
    with listening(Peer()) as peer:
        channel = factories.channel(port=peer.port)
        campaign, chunks = under_way(workspace, 30, chunk_size=10)
        good = damage(chunks[1])
        with links():
            bound(channel)
            for chunk in chunks:
                work_on(chunk)
            assert len(peer.submits) == 20
            assert [status_of(chunk) for chunk in chunks] == ["done", "quarantined", "done"]
            due.tick(now=timezone.now())
            assert Campaign.objects.get(pk=campaign.pk).status == Status.SENDING
            assert counters.totals(campaign).waiting == 10

            mend(chunks[1], good)
            quarantine.release(chunks[1].pk, by=None)
            work_on(chunks[1])
            due.tick(now=timezone.now())
    assert len(peer.submits) == 30
    assert Campaign.objects.get(pk=campaign.pk).status == Status.DONE
    incident = Incident.objects.get(campaign=campaign)
    assert (incident.kind, "Chunk 1 of this list has changed" in incident.sample) == (IncidentKind.CHUNK_DAMAGED, True)
    entries = Entry.objects.about(campaign).filter(action__startswith="campaign.chunk").order_by("seq")
    assert [entry.action for entry in entries] == ["campaign.chunk_quarantined", "campaign.chunk_released"]


def fail_with(monkeypatch, error):
    """A parser that we do not own fails on these bytes."""

    def read(*arguments, **given):
        raise error

    monkeypatch.setattr("numpy.frombuffer", read)


@pytest.mark.parametrize("looks", [1, 4])
def test_a_few_looks_that_end_in_a_bug_are_incidents_and_forgiven_by_one_that_does_not(workspace, monkeypatch, looks):
    campaign, [chunk, _] = under_way(workspace, 20, chunk_size=10)
    fail_with(monkeypatch, ValueError("+31600000001"))
    for _ in range(looks):
        with pytest.raises(ValueError):
            work_on(chunk)
    monkeypatch.undo()
    assert Chunk.objects.get(pk=chunk.pk).failures == looks
    noted = Incident.objects.filter(campaign=campaign)  # in one minute, or in two; never what the exception says
    assert {one.sample for one in noted} == {"A look at chunk 0 ended with ValueError."}
    assert sum(one.count for one in noted) == looks
    work_on(chunk)
    assert (status_of(chunk), Chunk.objects.get(pk=chunk.pk).failures) == (ChunkStatus.OPEN, 0)


def test_a_chunk_that_fails_five_times_is_put_aside_and_is_looked_at_no_more(workspace, monkeypatch, rung):
    campaign, [chunk, other] = under_way(workspace, 20, chunk_size=10)
    fail_with(monkeypatch, ValueError("odd"))
    for _ in range(5):
        with pytest.raises(ValueError):
            work_on(chunk)
    work_on(chunk)  # not even claimed
    monkeypatch.undo()
    assert (status_of(chunk), status_of(other)) == (ChunkStatus.QUARANTINED, ChunkStatus.OPEN)
    assert Chunk.objects.get(pk=chunk.pk).trouble == "Chunk 0: ValueError, 5 times in a row."
    Chunk.objects.update(rung_at=None)
    rung.clear()
    due.tick(now=timezone.now())
    assert rung == [("delivery.tasks.dispatch", (other.pk,))]
    assert Campaign.objects.get(pk=campaign.pk).status == Status.SENDING


def test_a_campaign_is_not_done_with_a_chunk_aside(workspace):
    campaign, [chunk] = under_way(workspace, 2)
    put_aside(chunk)
    with pytest.raises(Refused, match="open chunks"):
        transitions.finish(campaign.pk, now=timezone.now())


def test_a_campaign_that_is_cancelled_closes_it_and_balances(workspace, author):
    campaign, [chunk] = under_way(workspace, 4)
    send(claim(chunk), [OK])
    put_aside(chunk)
    campaign_transitions.cancel(campaign.pk, by=author, now=timezone.now())
    due.tick(now=timezone.now() + timedelta(hours=1))
    assert status_of(chunk) == ChunkStatus.CLOSED
    totals = counters.totals(Campaign.objects.get(pk=campaign.pk))
    assert (totals.pending, totals.cancelled, totals.waiting, totals.balanced) == (1, 3, 0, True)


@pytest.mark.parametrize("readable", [True, False])
def test_what_it_had_under_way_when_the_campaign_is_cancelled_is_in_doubt(workspace, author, readable):
    campaign, [chunk] = under_way(workspace, 6)
    mine = claim(chunk)
    send(mine, [OK, None])
    intend(mine, 2)
    if not readable:
        damage(chunk)
    put_aside(chunk)
    campaign_transitions.cancel(campaign.pk, by=author, now=timezone.now())
    due.tick(now=timezone.now() + timedelta(hours=1))
    assert status_of(chunk) == ChunkStatus.CLOSED
    campaign = Campaign.objects.select_related("list").get(pk=campaign.pk)
    totals = counters.totals(campaign)
    assert (totals.pending, totals.uncertain, totals.cancelled, totals.waiting) == (1, 3, 2, 0)
    assert reconciliation.differences(campaign) == []
    phones = Message.objects.filter(campaign=campaign).order_by("recipient").values_list("phone", flat=True)
    assert list(phones[2:]) == ([factories.FIRST_NUMBER + 2, factories.FIRST_NUMBER + 3] if readable else [0, 0])


def test_an_answer_that_comes_late_still_counts(workspace):
    campaign, [chunk] = under_way(workspace, 1)
    mine = claim(chunk)
    send(mine, [None])
    put_aside(chunk)
    evidence.store_late([late(mine, 0, OK)], now=timezone.now())
    assert Message.objects.get(campaign=campaign).state == MessageState.PENDING
    assert status_of(chunk) == ChunkStatus.QUARANTINED


def test_only_what_is_aside_is_released(workspace):
    _, [chunk] = under_way(workspace, 2)
    with pytest.raises(Refused, match="is open, not quarantined"):
        quarantine.release(chunk.pk, by=None)


def test_the_command_lists_and_releases(workspace):
    campaign, [chunk] = under_way(workspace, 2)
    put_aside(chunk)
    out = io.StringIO()
    call_command("release_chunk", stdout=out)
    assert f"{chunk.pk}: campaign {campaign.pk} ({campaign.name}), Chunk 0: ValueError" in out.getvalue()
    call_command("release_chunk", str(chunk.pk), stdout=out)
    assert status_of(chunk) == ChunkStatus.OPEN
    with pytest.raises(CommandError, match="not quarantined"):
        call_command("release_chunk", str(chunk.pk))
    with pytest.raises(CommandError, match="no chunk 999999999"):
        call_command("release_chunk", "999999999")


def test_the_campaigns_pages_say_what_is_kept_back_and_why(workspace, author):
    campaign, [chunk] = under_way(workspace, 4)
    put_aside(chunk)
    page = signed_in(author)
    assert "1 chunk of the list is kept back" in text_of(page.get(f"/campaigns/{campaign.pk}/progress/"))
    errors = text_of(page.get(f"/campaigns/{campaign.pk}/errors/"))
    assert "Kept back until an operator has looked" in errors and "ValueError, 5 times in a row" in errors


def test_a_super_admin_releases_it_on_the_desk_by_post(workspace):
    _, [chunk] = under_way(workspace, 4)
    put_aside(chunk)
    by = factories.user(is_superuser=True, is_staff=True)
    desk = signed_in(by)
    assert "ValueError" in text_of(desk.get("/admin/delivery/chunk/"))
    address = f"/admin/delivery/chunk/{chunk.pk}/release/"
    assert desk.get(address).status_code == 200
    assert status_of(chunk) == ChunkStatus.QUARANTINED
    desk.post(address)
    assert status_of(chunk) == ChunkStatus.OPEN
    assert Entry.objects.get(action="campaign.chunk_released").actor == by
    assert desk.post(address).status_code == 404


def test_nobody_else_of_the_staff_sees_it(workspace, moderator):
    moderator.is_staff = True
    moderator.save()
    _, [chunk] = under_way(workspace, 4)
    put_aside(chunk)
    page = signed_in(moderator)
    assert page.post(f"/admin/delivery/chunk/{chunk.pk}/release/").status_code == 404
    assert status_of(chunk) == ChunkStatus.QUARANTINED
