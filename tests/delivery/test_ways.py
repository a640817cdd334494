"""Over which channel a campaign goes, and what each recipient is told: real rows, real TCP, several carriers."""

from collections import Counter

import pytest
from django.db import connection
from django.utils import timezone

from campaigns.models import Campaign
from campaigns.statuses import Status
from channels import accounts as channel_accounts
from channels import routes
from delivery import counters, dispatching, errors, matching
from delivery.id_bases import bases
from delivery.links import engine
from delivery.models import CarrierId, Chunk, Doubt, Intent, Message
from delivery.statuses import ErrorKind, MessageState
from smpp.hot import SHORT_MESSAGE
from smpp.pdu import Command, decode_body
from tests import factories
from tests.delivery.ground import arrive, bound, choose, claim, forget, phones_of, receipt, send, settle, under_way
from tests.delivery.wire import Peer
from tests.live import wait_for

pytestmark = pytest.mark.django_db(transaction=True)

S = MessageState


def numbers_of(peer):
    return [int(SHORT_MESSAGE.match(body).group(2)) for _, body in peer.submits]


def texts_of(peer):
    """What was written to whom, in GSM characters that are ASCII."""
    said = [decode_body(Command.SUBMIT_SM, body) for _, body in peer.submits]
    return {int(one.destination_addr): one.short_message.decode() for one in said}


def look(chunk):
    dispatching.work_on(chunk.pk, clock=timezone.now)


@pytest.fixture
def small_batches(settings):
    settings.DISPATCH_BATCH, settings.DISPATCH_THREADS, settings.DISPATCH_PUSH_THREADS = 10, 1, 0


def test_a_route_gives_each_channel_its_share(workspace, listening, links, small_batches):
    with listening(Peer()) as one, listening(Peer()) as two:
        first, second = factories.channel("first", port=one.port), factories.channel("second", port=two.port)
        route = factories.route("both", {first: 3, second: 1})
        campaign, [chunk] = under_way(workspace, 80, chunk_size=100, route=route)
        with links():
            bound(first)
            bound(second)
            look(chunk)
        assert (len(one.submits), len(two.submits)) == (60, 20)
        over = Counter(Message.objects.filter(campaign=campaign).values_list("channel_id", flat=True))
        assert over == {first.pk: 60, second.pk: 20}
        assert Counter(CarrierId.objects.values_list("channel_id", flat=True)) == over
        assert set(Intent.objects.values_list("channel_id", flat=True)) == {first.pk, second.pk}
        assert counters.totals(Campaign.objects.get(pk=campaign.pk)).balanced


def test_a_channel_that_is_away_is_passed_over_and_a_backup_waits_for_that(workspace, listening, links, small_batches):
    with listening(Peer()) as one, listening(Peer()) as two, listening(Peer()) as three:
        first, second, third = (
            factories.channel(name, port=peer.port) for name, peer in (("1st", one), ("2nd", two), ("3rd", three))
        )
        route = factories.route("all", {first: 1, second: 1}, backups=(third,))
        _, chunks = under_way(workspace, 60, chunk_size=20, route=route)
        with links():
            for channel in (first, second, third):
                bound(channel)
            channel_accounts.save(first.name, by=None, is_active=False)
            wait_for(lambda: not engine.is_bound(first.pk))
            look(chunks[0])
            assert (len(one.submits), len(two.submits), len(three.submits)) == (0, 20, 0)
            channel_accounts.save(second.name, by=None, is_active=False)
            wait_for(lambda: not engine.is_bound(second.pk))
            look(chunks[1])
            assert (len(one.submits), len(two.submits), len(three.submits)) == (0, 20, 20)
            channel_accounts.save(third.name, by=None, is_active=False)
            wait_for(lambda: not engine.is_bound(third.pk))
            look(chunks[2])
        assert len(three.submits) == 20
        assert Chunk.objects.get(pk=chunks[2].pk).next == 0  # it waits for a channel


def test_a_doubt_knows_the_channel_that_its_message_went_over(workspace):
    first, second = factories.channel("first"), factories.channel("second")
    campaign, [chunk] = under_way(workspace, 1, route=factories.route("both", {first: 1, second: 1}))
    mine = claim(chunk)
    mine.campaign.channel_id = second.pk  # the turn is hers
    assert choose(mine, 1) is not None
    forget()
    mine.campaign.channel_id = first.pk
    settle(mine)
    assert Doubt.objects.get(campaign=campaign).channel_id == second.pk
    [phone] = phones_of(chunk)
    now = timezone.now()
    arrive(first.pk, receipt("F00", phone))
    matching.match_pending(now=now + matching.DOUBT_AFTER * 20)
    assert Message.objects.get(campaign=campaign).state == S.UNCERTAIN
    arrive(second.pk, receipt("F01", phone))
    matching.match_pending(now=now + matching.DOUBT_AFTER * 20)
    assert Message.objects.get(campaign=campaign).state == S.DELIVERED


def test_each_recipient_is_told_what_the_list_says_of_them(workspace, listening, links):
    cells = [("Jan", "Utrecht"), ("Els", ""), ("", "Delft"), ("A" * 2000, "Gouda"), ("Zoe", "Breda")]
    with listening(Peer()) as peer:
        channel = factories.channel(port=peer.port)
        campaign, [chunk] = under_way(
            workspace,
            list=factories.ready_list(workspace, 5, columns=["name", "City"], cells=cells),
            text="Hi {name}, see you in {city|town}!",
        )
        with links():
            bound(channel)
            look(chunk)
    first = factories.FIRST_NUMBER
    assert texts_of(peer) == {
        first: "Hi Jan, see you in Utrecht!",
        first + 1: "Hi Els, see you in town!",
        first + 4: "Hi Zoe, see you in Breda!",
    }
    rows = {message.recipient: message for message in Message.objects.filter(campaign=campaign)}
    assert {recipient: row.state for recipient, row in rows.items()} == {
        0: S.PENDING, 1: S.PENDING, 2: S.FAILED, 3: S.FAILED, 4: S.PENDING
    }  # fmt: skip
    assert {rows[2].error_kind, rows[3].error_kind} == {ErrorKind.TEXT}
    assert errors.explain(rows[2].error_kind, rows[2].error_code).name == "VALUE_MISSING"
    assert errors.explain(rows[3].error_kind, rows[3].error_code).name == "TOO_LONG"
    chunk.refresh_from_db()
    assert (chunk.status, chunk.next) == ("done", 5)
    assert counters.totals(Campaign.objects.get(pk=campaign.pk)).balanced


def test_a_filled_text_has_as_many_parts_as_it_needs(workspace, listening, links):
    with listening(Peer()) as peer:
        channel = factories.channel(port=peer.port)
        campaign, [chunk] = under_way(
            workspace,
            list=factories.ready_list(workspace, 3, columns=["x"], cells=[("a",), ("b" * 200,), ("Ж" * 100,)]),
            text="{x}",
        )
        with links():
            bound(channel)
            look(chunk)
    parts = dict(Message.objects.filter(campaign=campaign).values_list("recipient", "parts"))
    assert parts == {0: 1, 1: 2, 2: 2}
    assert sorted(numbers_of(peer)) == sorted(factories.FIRST_NUMBER + n for n in (0, 1, 1, 2, 2))
    assert dict(Message.objects.filter(campaign=campaign).values_list("recipient", "accepted_mask")) == {
        0: 0b1, 1: 0b11, 2: 0b11
    }  # fmt: skip


def test_a_retry_says_what_the_first_try_said(workspace, listening, links):
    with listening(Peer(lambda n: 0x14 if n == 1 else 0)) as peer:
        channel = factories.channel(port=peer.port)
        campaign, [chunk] = under_way(
            workspace,
            list=factories.ready_list(workspace, 2, columns=["name"], cells=[("Jan",), ("Els",)]),
            text="Hi {name}",
        )
        with links():
            bound(channel)
            look(chunk)
            wait_for(lambda: look(chunk) or Message.objects.filter(campaign=campaign, state=S.PENDING).count() == 2)
    said = [decode_body(Command.SUBMIT_SM, body).short_message for _, body in peer.submits]
    assert sorted(said) == [b"Hi Els", b"Hi Jan", b"Hi Jan"]


def test_a_text_that_the_carrier_cannot_write_is_not_sent_as_another(workspace, listening, links):
    with listening(Peer()) as peer:
        channel = factories.channel(port=peer.port, default_coding="latin1")
        campaign, [chunk] = under_way(workspace, 2, text="Only 5 €")
        with links():
            bound(channel)
            look(chunk)
    campaign.refresh_from_db()
    assert (campaign.status, peer.submits) == (Status.FAILED, [])
    assert "€" in campaign.stopped_because


def test_how_a_carrier_writes_its_ids_is_learnt(workspace):
    forget()
    campaign, [chunk] = under_way(workspace, 30, chunk_size=30)
    send(claim(chunk), [(0, b"%x" % (0x1A00 + n)) for n in range(30)])
    phones = phones_of(chunk).tolist()
    arrive(campaign.channel_id, *[receipt(str(0x1A00 + n), phone) for n, phone in enumerate(phones)])
    assert set(Message.objects.values_list("state", flat=True)) == {S.DELIVERED}
    assert bases.news() == [(campaign.channel_id, "hex_to_dec", False)]
    assert bases.order(campaign.channel_id)[0] == "hex_to_dec"


def test_accepted_is_delivered_only_where_the_carrier_means_it(workspace):
    campaign, [chunk] = under_way(workspace, 2)
    send(claim(chunk), [(0, b"A1"), (0, b"A2")])
    one, two = phones_of(chunk).tolist()
    arrive(campaign.channel_id, receipt("A1", one, "ACCEPTD"))
    arrive(campaign.channel_id, receipt("A2", two, "ACCEPTD"), accepted_is_delivered=True)
    assert dict(Message.objects.values_list("recipient", "state")) == {0: S.PENDING, 1: S.DELIVERED}


def test_a_route_that_lost_a_member_goes_on_with_the_others(workspace, listening, links, small_batches):
    with listening(Peer()) as one, listening(Peer()) as two:
        first, second = factories.channel("first", port=one.port), factories.channel("second", port=two.port)
        route = factories.route("both", {first: 1, second: 1})
        _, [chunk] = under_way(workspace, 40, chunk_size=100, route=route)
        routes.save(route.name, by=None, members=[routes.Member(channel=second)])
        with links():
            bound(first)
            bound(second)
            look(chunk)
    assert (len(one.submits), len(two.submits)) == (0, 40)


def test_a_receipt_for_what_another_process_handed_over_counts_at_once(workspace):
    campaign, [chunk] = under_way(workspace, 2)
    send(claim(chunk), [(0, b"A1"), (0, b"A2")])
    forget()
    arrive(campaign.channel_id, *[receipt(f"A{n}", phone) for n, phone in enumerate(phones_of(chunk).tolist(), 1)])
    assert set(Message.objects.values_list("state", flat=True)) == {S.DELIVERED}
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM delivery_receipt")
        assert cursor.fetchone() == (0,)
