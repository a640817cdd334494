"""A dispatch process' links and its tasks, in this process: real rows, real TCP."""

import time

import pytest
from django.db import connection
from django.utils import timezone

from campaigns.models import Campaign
from campaigns.statuses import Status
from channels import accounts as channel_accounts
from channels.models import Channel
from delivery import dispatching, results
from delivery.links import engine
from delivery.models import CarrierId, Incident, Message, Receipt
from delivery.statuses import IncidentKind, MessageState
from smpp import pdu
from smpp.hot import SubmitTemplate
from tests import factories, owner
from tests.delivery.ground import batch_of, bound, claim, intend, under_way
from tests.delivery.wire import Peer, answers_of
from tests.live import wait_for
from tests.racing import race

pytestmark = pytest.mark.django_db(transaction=True)

S = MessageState


def test_one_odd_receipt_stops_none_that_come_after_it(workspace, listening, links, loop):
    def says(source, body=b""):
        one = pdu.DeliverSm(source_addr=source, esm_class=4, short_message=body)
        loop.call_soon_threadsafe(peer.send, 0, one)

    with listening(Peer()) as peer:
        channel = factories.channel(port=peer.port)
        with links():
            bound(channel)
            odd = b"id:1 sub:001 dlvrd:001 submit date:1 done date:1 stat:UNDELIV err:%b text:"
            for error in (b"\xb2", b"9" * 100, b""):
                says(b"\xb2\xb3", odd % error)
                wait_for(lambda: peer.acks and len(peer.acks) == Receipt.objects.count())
            says(b"31600000001", odd % b"000")
            wait_for(lambda: len(peer.acks) == 4)
    assert {status for _, _, status in peer.acks} == {0}
    assert Receipt.objects.count() == 4


def test_an_answer_that_comes_before_its_batch_is_on_record_is_not_lost(workspace, listening, links):
    peer = Peer(lambda n: None)
    with listening(peer):
        factories.channel(port=peer.port)
        campaign, [chunk] = under_way(workspace, 2)
        with links():
            bound(campaign.channel)
            mine = claim(chunk)
            chosen = intend(mine, 2)
            template = SubmitTemplate(pdu.SubmitSm(source_addr=b"Acme", short_message=b"Hi"))
            batch = batch_of(mine, chosen, [], template=template)
            batch.send_by = engine.now() + 1.5
            engine.send(batch)
            batch.finished.result(timeout=60)
            assert answers_of(batch) == [None, None]
            for sequence in (1, 2):  # the bind had the first one
                answer = pdu.SubmitSmResp(sequence=sequence + 1, message_id=b"%d" % sequence)
                peer.loop.call_soon_threadsafe(peer.send, 0, answer)
            time.sleep(1.0)
            results.store(batch, mine, now=timezone.now())
            batch.is_recorded = True
            wait_for(lambda: Message.objects.filter(campaign=campaign, state=S.PENDING).count() == 2)
    assert set(CarrierId.objects.values_list("message_id", flat=True)) == {"1", "2"}


def test_a_channel_whose_password_does_not_decrypt_is_an_incident_and_the_others_open(workspace, listening, links):
    with listening(Peer()) as peer:
        locked, open_one = factories.channel("locked", port=peer.port), factories.channel("open", port=peer.port)
        Channel.objects.filter(pk=locked.pk).update(password_ciphertext="of another key")
        with links():
            bound(open_one)
            assert not engine.is_bound(locked.pk)
            wait_for(lambda: Incident.objects.filter(channel=locked, kind=IncidentKind.BIND_REFUSED).exists())


def test_a_channel_that_was_switched_off_stays_closed_however_long_its_window_takes_to_drain(
    workspace, listening, links
):
    peer = Peer(lambda n: None)
    with listening(peer):
        channel = factories.channel(port=peer.port)
        _, [chunk] = under_way(workspace, 2)
        with links():
            bound(channel)
            mine = claim(chunk)
            chosen = intend(mine, 2)
            template = SubmitTemplate(pdu.SubmitSm(source_addr=b"Acme", short_message=b"Hi"))
            batch = batch_of(mine, chosen, [], template=template)
            batch.send_by = engine.now() + 1.5
            engine.send(batch)
            wait_for(lambda: len(peer.submits) == 2)
            channel_accounts.save(channel.name, by=None, window=7)  # closed, to be opened with another window
            wait_for(lambda: not engine.is_bound(channel.pk))
            channel_accounts.save(channel.name, by=None, is_active=False)
            time.sleep(1.0)  # some looks at the channels
            for sequence in (2, 3):
                answer = pdu.SubmitSmResp(sequence=sequence, message_id=b"%d" % sequence)
                peer.loop.call_soon_threadsafe(peer.send, 0, answer)
            wait_for(lambda: not engine._closing)
            time.sleep(1.0)
            assert not engine.is_bound(channel.pk)
    assert len(peer.binds) == 1


def test_a_bind_that_was_told_to_stop_tries_again_once_somebody_has_saved_its_channel_as_it_was(
    workspace, listening, links
):
    peer = Peer(lambda n: 0x53)  # invalid system type
    with listening(peer):
        channel = factories.channel(port=peer.port)
        _, [chunk] = under_way(workspace, 2)
        with links():
            bound(channel)
            mine = claim(chunk)
            template = SubmitTemplate(pdu.SubmitSm(source_addr=b"Acme", short_message=b"Hi"))
            batch = batch_of(mine, intend(mine, 2), [], template=template)
            batch.send_by = engine.now() + 1.5
            engine.send(batch)
            wait_for(lambda: not engine.is_bound(channel.pk))
            time.sleep(1.0)  # some looks at the channels
            assert len(peer.binds) == 1
            channel_accounts.save(channel.name, by=None)
            bound(channel)
    assert len(peer.binds) == 2


def test_a_carrier_that_refuses_the_sender_pauses_the_campaign_before_the_list_is_spent(workspace, listening, links):
    with listening(Peer(lambda n: 0x0A)) as peer:
        channel = factories.channel(port=peer.port, window=10)
        campaign, [chunk] = under_way(workspace, 300, chunk_size=1000)
        with links():
            bound(channel)
            dispatching.work_on(chunk.pk, clock=timezone.now)
            campaign = Campaign.objects.get(pk=campaign.pk)
            assert campaign.status == Status.PAUSED
            assert len(peer.submits) <= 10 + 10
            chunk.refresh_from_db()
            assert chunk.next == chunk.intended == len(peer.submits)
            wait_for(lambda: Incident.objects.filter(kind=IncidentKind.REFUSED).exists())


def test_a_carrier_that_refuses_half_of_all_for_whatever_reason_pauses_the_campaign_with_an_incident(
    workspace, listening, links
):
    with listening(Peer(lambda n: 0x65)) as peer:  # final for each message, and no reason to count them in a row
        channel = factories.channel(port=peer.port, window=10)
        campaign, [chunk] = under_way(workspace, 300, chunk_size=1000)
        with links():
            bound(channel)
            dispatching.work_on(chunk.pk, clock=timezone.now)
    campaign = Campaign.objects.get(pk=campaign.pk)
    assert campaign.status == Status.PAUSED
    assert 100 <= len(peer.submits) <= 100 + 10
    incident = Incident.objects.get(kind=IncidentKind.REFUSED)
    assert (incident.campaign_id, incident.channel_id) == (campaign.pk, channel.pk)
    assert "of the last 200" in incident.sample


@pytest.mark.parametrize("renew", [0.2, 15.0])
def test_a_database_that_cuts_every_connection_while_a_batch_is_under_way_costs_nothing(
    workspace, listening, links, monkeypatch, renew
):
    monkeypatch.setattr(dispatching, "RENEW", renew)
    peer = Peer(lambda n: None)
    with listening(peer):
        channel = factories.channel(port=peer.port)
        campaign, [chunk] = under_way(workspace, 2)
        with links():
            bound(channel)

            def cut():
                wait_for(lambda: len(peer.submits) == 2)
                with owner.at_work() as cursor:
                    cursor.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                        " AND usename = current_user"  # the vacuum is nobody's to end
                    )

            def work():
                dispatching.work_on(chunk.pk, clock=timezone.now)

            connection.close()
            assert race(work, cut) == [None, None]
            assert set(Message.objects.values_list("state", flat=True)) == {S.INTENDED}
            for sequence in (2, 3):  # the bind had the first one
                answer = pdu.SubmitSmResp(sequence=sequence, message_id=b"%d" % sequence)
                peer.loop.call_soon_threadsafe(peer.send, 0, answer)
            wait_for(lambda: Message.objects.filter(campaign=campaign, state=S.PENDING).count() == 2)
            peer.loop.call_soon_threadsafe(peer.send, 0, pdu.DeliverSm(source_addr=b"31600000001"))
            wait_for(lambda: [status for _, _, status in peer.acks] == [0])
    noted = Incident.objects.filter(campaign=campaign, kind=IncidentKind.DATABASE).exists()
    assert noted is (renew == 15.0)  # else the connection was new by the time that the results were stored
