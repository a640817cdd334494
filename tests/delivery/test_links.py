"""Binds and windows over real TCP, against the simulator and its journal."""

import asyncio
import math
import time
from collections import Counter, defaultdict

import numpy as np
import pytest

from delivery.links import carrier as carrier_module
from delivery.links import link as link_module
from delivery.links.link import Link, Window, Written
from delivery.statuses import IncidentKind
from simulator import journal
from tests.delivery.wire import DOUBTED, answers_of, finished, ground, until

pytestmark = pytest.mark.usefixtures("unhurried")


def sent(ground_, carrier_options, *sizes, parts=1, knobs=None, tmp_path):
    """Send batches of these sizes over one carrier; the ground, and the batches with their answers."""

    async def story():
        async with ground(tmp_path, **(knobs or {})) as here:
            carrier = here.open(**carrier_options)
            batches = [here.batch(size, parts=parts) for size in sizes]
            for batch in batches:
                carrier.add(batch)
            for batch in batches:
                await finished(batch)
            await carrier.stop()
            return here, batches

    return asyncio.run(story())


@pytest.fixture
def send(tmp_path):
    return lambda *sizes, parts=1, knobs=None, **options: sent(
        None, options, *sizes, parts=parts, knobs=knobs, tmp_path=tmp_path
    )


def test_every_submit_gets_the_answer_that_the_carrier_gave_it(send):
    here, [batch] = send(500, knobs={"reorder": 7})
    by_number = {submit.destination: submit for submit in here.submits}
    for phone, (status, message_id) in zip(batch.phones, answers_of(batch), strict=True):
        submit = by_number[str(phone)]
        assert (status, message_id.decode()) == (submit.status, submit.message_id)


def test_bytes_that_come_one_by_one_change_nothing(send):
    _, [batch] = send(50, knobs={"split_writes": True})
    assert all(status == 0 for status, _ in answers_of(batch))


def test_the_window_is_never_exceeded(send):
    here, batches = send(300, 300, binds=2, window=7, knobs={"max_window": 7})
    assert all(status == 0 for batch in batches for status, _ in answers_of(batch))
    assert {submit.bind for submit in here.submits} == {1, 2}


def test_the_parts_of_a_long_message_go_over_one_bind_in_order(send):
    here, _ = send(40, 40, parts=3, binds=2, window=2, knobs={"max_window": 2})
    by_number = {}
    for submit in sorted(here.submits, key=lambda one: (one.bind, one.sequence)):
        by_number.setdefault(submit.destination, []).append(submit)
    assert len(by_number) == 80
    for parts in by_number.values():
        assert len({part.bind for part in parts}) == 1
        assert len({part.content for part in parts}) == 3
    assert len({tuple(part.content for part in parts) for parts in by_number.values()}) == 1


def test_a_cut_after_the_carrier_took_it_leaves_it_in_doubt_and_is_not_repeated(send, brisk):
    here, [batch] = send(100, knobs={"drop_every": 20})
    accepted = Counter(submit.destination for submit in here.submits if submit.is_accepted)
    assert max(accepted.values()) == 1
    doubtful = [phone for phone, answer in zip(batch.phones, answers_of(batch), strict=True) if answer == DOUBTED]
    assert 1 <= len(doubtful) <= 10 * (here.incidents[IncidentKind.LINK_LOST])
    answered = [phone for phone, answer in zip(batch.phones, answers_of(batch), strict=True) if answer != DOUBTED]
    assert {str(phone) for phone in answered} <= set(accepted)


def test_no_response_in_time_is_doubt_and_the_window_does_not_leak(send, brisk, impatient):
    here, [batch] = send(100, window=5, knobs={"noresp_every": 25})
    lost = [unit for unit, answer in enumerate(answers_of(batch)) if answer == DOUBTED]
    lost += [unit for _, unit, answer in here.late if answer == DOUBTED]
    silent = {submit.destination for submit in here.submits[24::25]}
    assert len(silent) == 4
    assert silent <= {str(batch.phones[unit]) for unit in lost}
    assert here.incidents[IncidentKind.RESPONSE_TIMEOUT] >= len(lost)  # others too, if the machine has no time for them
    assert len(here.submits) == 100


def test_a_line_on_which_nothing_is_heard_takes_no_more_than_a_window(tmp_path, monkeypatch, brisk, impatient):
    monkeypatch.setattr(link_module, "ENQUIRE_TIMEOUT", 1.0)

    async def story():
        async with ground(tmp_path, noresp_every=1, mute_elink=True) as here:
            carrier = here.open(window=5)
            batch = here.batch(50, within=2.0)
            carrier.add(batch)
            await until(lambda: here.incidents[IncidentKind.RESPONSE_TIMEOUT] == 5)
            await asyncio.sleep(1.2)  # two more timeouts
            before = len(here.submits)
            await carrier.stop()
            return before

    assert asyncio.run(story()) == 5


def test_a_line_that_answers_nothing_but_the_question_whether_it_is_there_goes_on_at_once(send, brisk, impatient):
    here, [batch] = send(15, window=5, knobs={"noresp_every": 1})
    assert answers_of(batch) == [DOUBTED] * 15
    assert len(here.submits) == 15


def test_a_response_after_its_timeout_is_still_evidence(tmp_path, brisk, impatient):
    async def story():
        async with ground(tmp_path, resp_delay_ms=2000) as here:
            carrier = here.open()
            batch = here.batch(3)
            carrier.add(batch)
            await finished(batch)
            await until(lambda: len(here.late) == 3)
            await carrier.stop()
            return batch, here.late

    batch, late = asyncio.run(story())
    assert answers_of(batch) == [DOUBTED] * 3
    assert [answer[0] for _, _, answer in late] == [0, 0, 0]


def test_a_batch_goes_back_without_the_answers_that_straggle(tmp_path, monkeypatch):
    monkeypatch.setattr(carrier_module, "STRAGGLE", 0.2)

    async def story():
        async with ground(tmp_path, resp_delay_ms=2500) as here:
            carrier = here.open()
            batch = here.batch(3)
            carrier.add(batch)
            await finished(batch)
            answers = list(answers_of(batch))
            await until(lambda: len(here.late) == 3)
            await carrier.stop()
            return answers, here.late

    answers, late = asyncio.run(story())
    assert answers == [None] * 3
    assert [answer[0] for _, _, answer in late] == [0, 0, 0]


def test_what_cannot_be_written_in_time_is_given_back(tmp_path):
    async def story():
        async with ground(tmp_path, resp_delay_ms=500) as here:
            carrier = here.open(window=4)
            await until(lambda: carrier.is_bound)
            batch = here.batch(100, within=0.3)
            carrier.add(batch)
            await finished(batch)
            await carrier.stop()
            return batch, here.submits

    batch, submits = asyncio.run(story())
    assert batch.given_back
    assert batch.handed_over == len(submits) == 4
    assert {str(phone) for phone in batch.phones[:4]} == {submit.destination for submit in submits}


def test_a_carrier_that_unbinds_is_answered_and_bound_again(send, brisk):
    here, [batch] = send(200, knobs={"unbind_every": 50})
    binds = here.lines(journal.Bind)
    assert len(binds) >= 4
    accepted = Counter(submit.destination for submit in here.submits if submit.is_accepted)
    assert max(accepted.values()) == 1
    assert batch.is_written


def test_a_throttled_bind_waits(tmp_path):
    async def story():
        async with ground(tmp_path, throttle_every=10) as here:
            carrier = here.open(window=10)
            batch = here.batch(30)
            carrier.add(batch)
            await finished(batch)
            await carrier.stop()
            return here, batch

    here, batch = asyncio.run(story())
    times = sorted(submit.at for submit in here.submits)
    assert times[-1] - times[0] >= 1.0
    assert here.incidents[IncidentKind.THROTTLED] >= 2
    assert sum(status == 0x58 for status, _ in answers_of(batch)) == 3


def test_bytes_out_of_step_close_the_link_and_a_new_one_goes_on(send, brisk):
    here, [batch] = send(100, knobs={"length_bomb_after": 30})
    assert here.incidents[IncidentKind.PROTOCOL] >= 1
    assert batch.is_written
    assert max(Counter(submit.destination for submit in here.submits if submit.is_accepted).values()) == 1


def test_a_nack_of_our_sequence_is_a_refusal(send):
    _, [batch] = send(30, knobs={"nack_every": 10})
    refused = [answer for answer in answers_of(batch) if answer[0] != 0]
    assert len(refused) == 3
    assert DOUBTED not in refused


def test_a_wrong_password_is_tried_exactly_once(tmp_path, brisk):
    async def story():
        async with ground(tmp_path, system_id="demo", password="right") as here:
            carrier = here.open()
            await until(lambda: here.incidents[IncidentKind.BIND_REFUSED])
            await asyncio.sleep(0.5)  # five times the longest pause before another try
            assert not carrier.is_bound
            await carrier.stop()
            return here

    here = asyncio.run(story())
    assert len(here.lines(journal.Bind)) == 1
    assert here.incidents[IncidentKind.BIND_REFUSED] == 1


def test_a_peer_that_stops_answering_enquire_link_is_left(tmp_path, brisk):
    async def story():
        async with ground(tmp_path, mute_elink=True) as here:
            carrier = here.open()
            await until(lambda: len(here.lines(journal.Bind)) >= 2)
            await carrier.stop()
            return here

    here = asyncio.run(story())
    assert here.incidents[IncidentKind.PROTOCOL] >= 1
    assert len(here.lines(journal.Bind)) >= 2


def test_a_planned_stop_drains_the_window_and_unbinds(tmp_path):
    async def story():
        async with ground(tmp_path, resp_delay_ms=200) as here:
            carrier = here.open(window=50)
            batch = here.batch(50)
            await until(lambda: carrier.is_bound)
            carrier.add(batch)
            await until(lambda: len(here.submits) == 50)
            await carrier.stop()
            return here, batch

    here, batch = asyncio.run(story())
    assert [status for status, _ in answers_of(batch)] == [0] * 50
    assert [unbind.side for unbind in here.lines(journal.Unbind)] == ["esme"]


def test_a_transmitter_sends_and_a_receiver_hears(tmp_path):
    async def story():
        async with ground(tmp_path, dlr_delay_ms=20) as here:
            carrier = here.open(pair=True)
            batch = here.batch(20)
            carrier.add(batch)
            await finished(batch)
            await until(lambda: len(here.deliveries) == 20)
            await carrier.stop()
            return here

    here = asyncio.run(story())
    modes = {bind.mode for bind in here.lines(journal.Bind)}
    assert modes == {"transmitter", "receiver"}


@pytest.fixture
def left(monkeypatch):
    """When each unit of a batch left. When it is read is for the other side to say, which waits for its turn too."""
    times = defaultdict(list)
    write_units = Link.write_units

    def noted(self, batch, count):
        at = time.monotonic()
        written = write_units(self, batch, count)
        times[batch] += [at] * written
        return written

    monkeypatch.setattr(Link, "write_units", noted)
    return times


def most_in_a_second(*batches):
    times = [at for batch in batches for at in batch]
    return max(sum(begin <= at < begin + 1 for at in times) for begin in times)


def test_two_processes_together_never_exceed_the_contracted_rate(tmp_path, left, near_redis):
    """Each carrier has a line of its own to Valkey, as two processes have."""

    async def story():
        async with ground(tmp_path) as here:
            carriers = [here.open(name=f"rate-{tmp_path.name}", tps=100, window=50) for _ in range(2)]
            batches = [here.batch(125) for _ in carriers]
            for carrier, batch in zip(carriers, batches, strict=True):
                carrier.add(batch)
            for batch in batches:
                await finished(batch)
            for carrier in carriers:
                await carrier.stop()
            return here

    assert len(asyncio.run(story()).submits) == 250
    assert 50 < most_in_a_second(*left.values()) <= 100  # more than a share of it


def test_a_campaigns_own_limit_holds_back_that_campaign_alone(tmp_path, left, near_redis):
    async def story():
        async with ground(tmp_path) as here:
            carrier = here.open(name=f"limit-{tmp_path.name}", window=50)
            limited, free = here.batch(60, parts_per_second=30), here.batch(60)
            limited.campaign_id = 2
            for batch in (limited, free):
                carrier.add(batch)
            for batch in (free, limited):
                await finished(batch)
            await carrier.stop()
            return here, limited, free

    here, limited, free = asyncio.run(story())
    slow = [submit.at for submit in here.submits if int(submit.destination) in limited.phones]
    fast = [submit.at for submit in here.submits if int(submit.destination) in free.phones]
    assert most_in_a_second(left[limited]) <= 30
    assert sum(at <= max(fast) for at in slow) <= 30


def test_a_pushed_message_goes_before_what_waits_for_a_slow_channel(tmp_path, left, near_redis):
    async def story():
        async with ground(tmp_path) as here:
            carrier = here.open(name=f"pushed-{tmp_path.name}", tps=50, window=50)
            many = [here.batch(60) for _ in range(3)]
            for batch in many:
                carrier.add(batch)
            await until(lambda: len(here.submits) >= 10)
            pushed, asked_at = here.batch(1, is_pushed=True), time.time()
            carrier.add(pushed)
            await finished(pushed)
            for batch in many:
                await finished(batch)
            await carrier.stop()
            return here, int(pushed.phones[0]), asked_at

    here, phone, asked_at = asyncio.run(story())
    (arrived_at,) = (submit.at for submit in here.submits if int(submit.destination) == phone)
    assert sum(asked_at <= submit.at < arrived_at for submit in here.submits) <= 6  # those whose slots were given
    assert most_in_a_second(*left.values()) <= 50


@pytest.mark.parametrize("account", [{"tps": 200, "window": 50}, {"tps": 0, "window": 4}])
def test_a_flood_of_pushed_messages_leaves_a_half_to_the_others(tmp_path, account, near_redis):
    """By slots of a rate, and by places in the window."""

    async def story():
        async with ground(tmp_path, resp_delay_ms=20) as here:
            carrier = here.open(name=f"flood-{tmp_path.name}", **account)
            list_, flood = [here.batch(50), here.batch(50)], [here.batch(100, is_pushed=True)]
            for batch in [*flood, *list_]:
                carrier.add(batch)
            for batch in [*flood, *list_]:
                await finished(batch)
            await carrier.stop()
            return here, flood

    here, flood = asyncio.run(story())
    pushed = [int(submit.destination) in flood[0].phones for submit in sorted(here.submits, key=lambda one: one.at)]
    assert len(pushed) == 200
    assert all(40 <= sum(pushed[:n]) * 100 / n <= 60 for n in range(40, 180, 20))


def test_the_fleets_limit_is_shared_by_its_channels(tmp_path, settings, left, near_redis):
    settings.FLEET_TPS = 60

    async def story():
        async with ground(tmp_path) as here:
            carriers = [here.open(name=f"fleet-{n}-{tmp_path.name}", window=50) for n in range(2)]
            batches = [here.batch(60) for _ in carriers]
            for carrier, batch in zip(carriers, batches, strict=True):
                carrier.add(batch)
            for batch in batches:
                await finished(batch)
            for carrier in carriers:
                await carrier.stop()
            return here

    assert len(asyncio.run(story()).submits) == 120
    assert most_in_a_second(*left.values()) <= 60


def test_without_valkey_a_process_takes_its_share_and_no_more(tmp_path, settings, left):
    settings.RATE_REDIS_URL = "redis://127.0.0.1:1/0"
    settings.DISPATCH_FLEET = 4

    async def story():
        async with ground(tmp_path) as here:
            carrier = here.open(tps=200, window=50)
            batch = here.batch(100)
            carrier.add(batch)
            await finished(batch)
            await carrier.stop()
            return here

    assert len(asyncio.run(story()).submits) == 100
    assert most_in_a_second(*left.values()) <= 50


def test_a_run_that_was_answered_behind_an_overdue_one_is_not_the_oldest_unanswered():
    """The bind would be held up by it, and nobody would come back to write the rest of a message."""
    window = Window()
    overdue, answered = (
        Written(at=at, first=first, batch=None, first_unit=0, is_open=np.ones(1, bool))
        for first, at in enumerate((1.0, 5.0), 1)
    )
    window.add(overdue)
    window.add(answered)
    window.close(answered, np.array([0]))
    assert window.take_older(2.0) == [overdue]
    assert (window.unanswered, window.oldest_at) == (0, math.inf)
