"""Binds and windows against carriers that do what the simulator never does."""

import asyncio
import itertools
from collections import Counter

import pytest
from django.utils import timezone

from channels import answers
from delivery.links import link as link_module
from delivery.statuses import IncidentKind
from smpp import pdu
from smpp.pdu import ProtocolError
from tests.delivery.wire import DOUBTED, Peer, answers_of, facing, finished, ground, until

WINDOW = 10
pytestmark = pytest.mark.usefixtures("unhurried")


def test_a_carrier_that_refuses_the_sender_gets_ten_and_a_window_at_most_and_then_nothing_until_a_resume():
    async def story():
        async with facing(Peer(lambda n: 0x0A)) as here:
            carrier = here.open(window=WINDOW)
            first, second, third = here.batch(200), here.batch(200), here.batch(5, period=timezone.now())
            for batch in (first, second, third):
                carrier.add(batch)
                await finished(batch)
            await carrier.stop()
            return first, second, third

    first, second, third = asyncio.run(story())
    assert first.handed_over <= 10 + WINDOW
    assert first.given_back
    assert "10 messages in a row" in first.stopped_because
    assert (second.handed_over, second.stopped_because) == (0, first.stopped_because)
    assert (third.handed_over, third.stopped_because) == (5, "")


def test_refusals_with_an_acceptance_between_them_stop_nothing():
    async def story():
        async with facing(Peer(lambda n: 0 if n % 9 == 0 else 0x0A)) as here:
            carrier = here.open(window=1)
            batch = here.batch(100)
            carrier.add(batch)
            await finished(batch)
            await carrier.stop()
            return batch

    batch = asyncio.run(story())
    assert (batch.handed_over, batch.stopped_because) == (100, "")


def test_an_unbind_of_the_last_connection_does_not_cut_the_next(brisk, monkeypatch):
    monkeypatch.setattr(link_module, "UNBIND_TIMEOUT", 0.5)

    async def story():
        peer = Peer(lambda n: None)
        async with facing(peer) as here:
            carrier = here.open()
            carrier.add(here.batch(1))
            await until(lambda: peer.submits)
            peer.send(0, pdu.Unbind())
            await asyncio.sleep(0.05)
            peer.cut(0)
            await until(lambda: len(peer.binds) == 2)
            await asyncio.sleep(1.0)
            assert carrier.is_bound
            await carrier.stop()
            return peer

    assert len(asyncio.run(story()).binds) == 2


def test_a_batch_that_comes_while_the_connection_closes_goes_over_the_next(brisk):
    async def story():
        async with facing(Peer()) as here:
            carrier = here.open()
            await until(lambda: carrier.is_bound)
            carrier.links[0].transport.close()
            batch = here.batch(5)
            carrier.add(batch)
            await finished(batch)
            await carrier.stop()
            return batch

    assert [status for status, _ in answers_of(asyncio.run(story()))] == [0] * 5


def test_a_receipt_is_acknowledged_on_its_own_session_or_not_at_all(brisk):
    async def story():
        peer = Peer()
        async with facing(peer) as here:
            heard = []
            carrier = here.open()
            carrier.deliver = lambda link, received: heard.append((link, link.session, received))
            for number in (0, 1):
                await until(lambda number=number: len(peer.binds) == number + 1 and carrier.is_bound)
                peer.send(number, pdu.DeliverSm(source_addr=b"31600000001"))
                await until(lambda number=number: len(heard) == number + 1)
                if number == 0:
                    peer.cut(0)
                    await until(lambda: not carrier.is_bound)
            for link, session, received in heard:
                link.acknowledge(session, received, 1)
            await until(lambda: peer.acks)
            await asyncio.sleep(0.1)
            await carrier.stop()
            return peer.acks

    assert [number for number, _, _ in asyncio.run(story())] == [1]


def test_past_its_time_a_batch_gets_no_more_than_the_rest_of_the_recipient_that_was_begun(tmp_path):
    async def story():
        async with ground(tmp_path, resp_delay_ms=700) as here:
            carrier = here.open(window=2)
            await until(lambda: carrier.is_bound)
            batch = here.batch(50, parts=3, within=0.3)
            carrier.add(batch)
            await finished(batch)
            await carrier.stop()
            return here, batch

    here, batch = asyncio.run(story())
    assert batch.given_back
    assert (batch.handed_over, len(here.submits)) == (1, 3)


def test_a_channel_that_closes_sends_the_rest_of_the_recipient_that_was_begun(tmp_path):
    async def story():
        async with ground(tmp_path, resp_delay_ms=200) as here:
            carrier = here.open(window=2)
            await until(lambda: carrier.is_bound)
            batch = here.batch(50, parts=3)
            carrier.add(batch)
            await until(lambda: here.submits)
            await carrier.stop()
            after = here.batch(1)
            carrier.add(after)
            await finished(after)
            return here, batch, after

    here, batch, after = asyncio.run(story())
    assert batch.handed_over >= 1
    assert [status for status, _ in answers_of(batch)[: batch.next_unit]] == [0] * batch.handed_over * 3
    assert set(Counter(submit.destination for submit in here.submits).values()) == {3}
    assert (after.given_back, after.handed_over) == (True, 0)


def test_a_redis_that_accepts_and_never_answers_makes_it_slower_and_does_not_stop_it(tmp_path, settings):
    settings.DISPATCH_FLEET = 4

    async def hold(reader, writer):
        await reader.read()
        writer.close()

    async def story():
        silent = await asyncio.start_server(hold, "127.0.0.1", 0)
        settings.RATE_REDIS_URL = f"redis://127.0.0.1:{silent.sockets[0].getsockname()[1]}/0"
        async with ground(tmp_path) as here:
            carrier = here.open(tps=200, window=50)
            batch = here.batch(60)
            carrier.add(batch)
            await finished(batch)
            await carrier.stop()
            silent.close()
            return here

    here = asyncio.run(story())
    times = sorted(submit.at for submit in here.submits)
    assert len(times) == 60
    assert max(sum(begin <= at < begin + 1 for at in times) for begin in times) <= 50
    assert here.incidents[IncidentKind.REDIS] >= 1


def test_a_full_queue_is_an_incident(tmp_path):
    async def story():
        async with ground(tmp_path, qfull_every=10) as here:
            carrier = here.open()
            batch = here.batch(30)
            carrier.add(batch)
            await finished(batch)
            await carrier.stop()
            return here

    assert asyncio.run(story()).incidents[IncidentKind.QUEUE_FULL] == 3


@pytest.mark.parametrize("code", [0x04, 0x05])
def test_a_carrier_that_calls_the_bind_broken_gets_a_new_one_and_nothing_is_in_doubt(brisk, code):
    async def story():
        peer = Peer(lambda n: code if n == 5 else 0)
        async with facing(peer) as here:
            carrier = here.open(window=4)
            batch = here.batch(40)
            carrier.add(batch)
            await finished(batch)
            await carrier.stop()
            return peer, batch

    peer, batch = asyncio.run(story())
    assert len(peer.binds) == 2
    assert Counter(status for status, _ in answers_of(batch)) == {0: 39, code: 1}
    assert DOUBTED not in answers_of(batch)


def test_who_is_told_of_too_many_sessions_never_comes_back_too_early(monkeypatch):
    refused = answers.BindAction(outcome=answers.BindOutcome.BACKOFF, first=0.2, longest=0.2)
    monkeypatch.setitem(answers.BIND_ACTIONS, 0x05, refused)

    async def story():
        peer = Peer(bind_status=0x05)
        async with facing(peer) as here:
            carrier = here.open()
            await until(lambda: len(peer.binds) == 10)
            assert not carrier.is_bound
            await carrier.stop()
            return peer.binds

    binds = asyncio.run(story())
    assert min(after - before for before, after in itertools.pairwise(binds)) >= 0.19


def test_a_receipt_may_come_by_data_sm_and_is_answered_by_its_own_kind(brisk):
    said = {
        "source_addr": b"31600000001",
        "destination_addr": b"Acme",
        "esm_class": 4,
        "tlvs": {pdu.Tlv.RECEIPTED_MESSAGE_ID: b"1A\0", pdu.Tlv.MESSAGE_STATE: b"\2"},
    }

    async def story():
        peer = Peer()
        async with facing(peer) as here:
            carrier = here.open()
            await until(lambda: carrier.is_bound)
            peer.send(0, pdu.DataSm(sequence=7, **said))
            await until(lambda: peer.acks)
            await carrier.stop()
            return here, peer

    here, peer = asyncio.run(story())
    assert here.deliveries == [(7, pdu.encode(pdu.DeliverSm(**said))[16:])]
    assert peer.acks == [(0, 7, 0)]


def test_a_nack_that_comes_after_the_timeout_is_the_refusal_of_what_was_in_doubt(brisk, impatient):
    async def story():
        peer = Peer(lambda n: None)
        async with facing(peer) as here:
            carrier = here.open()
            batch = here.batch(1)
            carrier.add(batch)
            await finished(batch)
            peer.send(0, pdu.GenericNack(sequence=2, status=0x08))
            await until(lambda: here.late)
            assert carrier.is_bound
            await carrier.stop()
            return peer, batch, here.late

    peer, batch, late = asyncio.run(story())
    assert answers_of(batch) == [DOUBTED]
    assert late == [(batch, 0, (0x08, b""))]
    assert len(peer.binds) == 1


def test_a_pdu_that_stays_incomplete_costs_the_connection(brisk, monkeypatch):
    monkeypatch.setattr(link_module, "PARTIAL_PDU_TIMEOUT", 0.3)

    async def story():
        peer = Peer()
        async with facing(peer) as here:
            carrier = here.open()
            await until(lambda: carrier.is_bound)
            peer.links[0][1].write(bytes(3))
            await until(lambda: len(peer.binds) == 2)
            await carrier.stop()
            return here

    assert asyncio.run(story()).incidents[IncidentKind.PROTOCOL] >= 1


def test_a_busy_line_whose_every_read_ends_within_a_pdu_is_no_incomplete_one():
    question = pdu.encode(pdu.EnquireLink(sequence=5))

    async def story():
        peer = Peer()
        async with facing(peer) as here:
            carrier = here.open()
            await until(lambda: carrier.is_bound)
            (link,), (_, writer) = carrier.links, peer.links[0]
            writer.write(question[:8])
            await until(lambda: link.session.partial)
            too_late = link.loop.time() + link_module.PARTIAL_PDU_TIMEOUT  # for what has begun so far
            for _ in range(3):
                before = link._heard_at
                writer.write(question[8:] + question[:8])
                await until(lambda before=before: link._heard_at > before)
            link._check_deadlines(too_late)
            with pytest.raises(ProtocolError):
                link._check_deadlines(too_late + link_module.PARTIAL_PDU_TIMEOUT)
            await carrier.stop()

    asyncio.run(story())


def test_a_bind_that_stays_unanswered_is_tried_again(brisk, monkeypatch):
    monkeypatch.setattr(link_module, "BIND_TIMEOUT", 0.2)

    async def story():
        peer = Peer()
        monkeypatch.setattr(peer, "_handle", lambda number, one: peer.binds.append(one))
        async with facing(peer) as here:
            carrier = here.open()
            await until(lambda: len(peer.binds) == 3)
            await carrier.stop()
            return here

    assert asyncio.run(story()).incidents[IncidentKind.BIND_REFUSED] >= 2


def test_while_the_oldest_answer_is_late_nothing_new_is_written_and_then_it_goes_on(monkeypatch):
    monkeypatch.setattr(link_module, "LATE_RESPONSE", 0.3)

    async def story():
        peer = Peer(lambda n: None if n == 1 else 0)
        async with facing(peer) as here:
            carrier = here.open()
            first, second = here.batch(1), here.batch(5)
            carrier.add(first)
            await until(lambda: peer.submits)
            await asyncio.sleep(0.4)
            carrier.add(second)
            await asyncio.sleep(0.3)
            written = len(peer.submits)
            peer.send(0, pdu.SubmitSmResp(sequence=2, message_id=b"late"))
            await finished(second)
            await carrier.stop()
            return written, len(peer.submits)

    assert asyncio.run(story()) == (1, 6)


@pytest.mark.parametrize("count", [1, 50], ids=["one by one", "in a run"])
def test_a_carrier_that_says_it_is_congested_is_heard_however_its_answers_come(tmp_path, count):
    async def story():
        async with ground(tmp_path, congestion=95) as here:
            carrier = here.open(window=50)
            batch = here.batch(count)
            carrier.add(batch)
            await finished(batch)
            await carrier.stop()
            return here

    assert asyncio.run(story()).incidents[IncidentKind.THROTTLED] >= 1
