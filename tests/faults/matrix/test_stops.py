"""What people and rules stop: an emergency, an account without credit, closed hours, a broken chunk, a restore."""

import os
import shutil
import time
from datetime import datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from campaigns import transitions as campaign_transitions
from campaigns.statuses import FINISHED, Status
from channels import accounts as channel_accounts
from delivery import witness
from delivery.models import Chunk, Halt, Incident, Intent
from delivery.statuses import ChunkStatus, IncidentKind, MessageState
from recipients.listing import listing_of
from reports import reconciliation
from stack import environment
from tests import factories
from tests.faults.machine import CHUNK, FLEET, W, load, quiet
from tests.faults.odd import Odd, odd_carrier
from tests.live import fresh, phones_in, submits_by_phone, totals_of, wait_for

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

S = MessageState
AT_ONCE = 2.0  # seconds


def cancel(campaign):
    campaign_transitions.cancel(campaign.pk, by=campaign.created_by, now=timezone.now(), reason="The story is over.")


def test_an_emergency_stop_holds_every_process_and_a_release_lets_them_go_on(live, workspace, seen):
    live.fleet()
    with live.carrier(window=W, resp_delay_ms=200) as carrier:
        campaign = load(workspace, carrier, 3000)
        carrier.wait_for_submits(300)
        environment.manage("emergency_stop", "--reason", "A story.", env=live.env)
        stopped = time.time()
        try:
            time.sleep(8)
            last = max(submit.at for submit in carrier.submits)
            assert last < stopped + AT_ONCE
            assert totals_of(campaign).waiting
        finally:
            environment.manage("emergency_stop", "--release", env=live.env)
        seen.injected = "emergency_stop under load, eight seconds, --release"
        seen.note = f"the last submit {last - stopped:+.1f} s after the command had ended"
        assert quiet(campaign).delivered == 3000
        seen.core(campaign, carrier)


def test_an_account_without_credit_pauses_the_campaign_and_a_resume_sends_the_rest(live, workspace, seen):
    live.fleet()
    has_credit = []
    odd = Odd(lambda odd, n, destination, times: 0 if n <= 200 or has_credit else 0x401)
    with odd_carrier(live, odd, answer_overrides={"0x401": {"breaker": 1, "page": True}}) as carrier:
        campaign = load(workspace, carrier, 2000)
        wait_for(lambda: fresh(campaign).status == Status.PAUSED)
        time.sleep(3.0)
        refused = sum(bool(submit.status) for submit in carrier.submits)
        seen.injected = "0x401 from the 201st submit on, which the channel says means “no credit”"
        seen.note = f"paused after {refused} refusals"
        assert 1 <= refused <= len(FLEET) * W
        wait_for(lambda: Incident.objects.filter(campaign=campaign, kind=IncidentKind.REFUSED).exists())
        assert totals_of(campaign).waiting == 1800
        has_credit.append(True)
        campaign_transitions.resume(campaign.pk, by=campaign.created_by, now=timezone.now())
        assert quiet(campaign).delivered == 2000
        seen.core(campaign, carrier)


def test_when_its_hours_end_in_mid_run_a_campaign_stops_and_goes_on_with_the_next(live, workspace, seen):
    live.fleet()
    with live.carrier(window=W, resp_delay_ms=250) as carrier:
        closes = (timezone.now() + timedelta(seconds=75)).replace(second=0, microsecond=0)
        opens = closes + timedelta(minutes=1)
        campaign = load(workspace, carrier, daily_from=wall(opens), daily_to=wall(closes))
        carrier.wait_for_submits(100)
        wait_for(lambda: timezone.now() > opens, seconds=200)
        shut = [one.at for one in carrier.submits if closes.timestamp() + AT_ONCE < one.at < opens.timestamp()]
        assert shut == []
        assert totals_of(campaign).waiting
        count = len(carrier.submits)
        wait_for(lambda: len(carrier.submits) > count + 100)
        seen.injected = "closed from one minute on to the next, in mid-run"
        seen.note = "no submit while closed"
        assert quiet(campaign).delivered == 10_000
        seen.core(campaign, carrier)


def wall(moment: datetime) -> time_of_day:
    return moment.time()


def test_a_chunk_that_breaks_its_reader_is_put_aside_and_the_others_go_on(live, workspace, seen, monkeypatch):
    live.fleet()
    encode, calls = factories.chunks.encode, []

    def broken(*given, **more):
        calls.append(1)
        data = encode(*given, **more)
        return data[: -len(data) // 3] if len(calls) == 3 else data

    monkeypatch.setattr(factories.chunks, "encode", broken)
    listed = factories.ready_list(workspace, 4000, chunk_size=CHUNK)
    monkeypatch.undo()
    piece = listing_of(listed).pieces[2]
    with live.carrier(window=W) as carrier:
        campaign = factories.approved(workspace, list=listed, channel=carrier.channel)
        wait_for(lambda: totals_of(campaign).delivered == 4000 - CHUNK)
        wait_for(lambda: Chunk.objects.filter(campaign=campaign, status=ChunkStatus.QUARANTINED).exists(), seconds=90)
        seen.injected = "one chunk of eight is cut short and has the digest of what it is"
        seen.note = Chunk.objects.get(campaign=campaign, number=2).trouble
        mine = set(range(factories.FIRST_NUMBER + piece.first, factories.FIRST_NUMBER + piece.end))
        assert not submits_by_phone(carrier).keys() & mine
        seen.core(campaign, carrier)
        cancel(campaign)


def test_after_a_restore_nothing_is_sent_until_it_is_released_and_nobody_gets_it_twice(live, workspace, seen, tmp_path):
    live.fleet()
    live.start("worker")  # looks at the database now and then
    cluster = (live.folder / "postgres").resolve() / "cluster"
    backup = tmp_path / "backup"
    with live.carrier(window=W) as carrier:
        campaign = load(workspace, carrier)
        carrier.wait_for_submits(1000)
        with live.without_database():
            copy(cluster, backup)
        carrier.wait_for_submits(4000)
        known = Intent.objects.order_by("-id").values_list("id", flat=True)[0]
        wait_for(lambda: any(one.last_intent >= known for one in witness.kept()))
        for name in (*FLEET, "clock", "worker"):
            live.end(name)
        with live.without_database():
            shutil.rmtree(cluster)
            copy(backup, cluster)
        sent = len(carrier.submits)
        live.fleet()
        wait_for(lambda: Halt.objects.filter(released_at=None).exists())
        time.sleep(15)
        assert len(carrier.submits) == sent
        assert fresh(campaign).status == Status.PAUSED
        open_ones = Chunk.objects.filter(campaign=campaign, status=ChunkStatus.FROZEN).count()
        environment.manage("release_restore", "--confirm", env=live.env)
        doubts = phones_in(campaign, S.UNCERTAIN)
        seen.uncertain = len(doubts)
        channel_accounts.save(carrier.channel.name, by=None)  # as it was: the links look again
        campaign_transitions.resume(campaign.pk, by=campaign.created_by, now=timezone.now())
        # Not quiet: receipts that came after the copy went with the database that took them.
        wait_for(lambda: fresh(campaign).status in FINISHED)
        seen.injected = f"cold copy at 1,000 submits, restored at {sent}"
        seen.note = f"{open_ones} chunks frozen, 0 submits before the release"
        taken = submits_by_phone(carrier)
        seen.submits, seen.doubled = len(carrier.submits), sum(taken.values()) - len(taken)
        assert seen.doubled == 0
        assert len(carrier.submits) == sent
        assert taken.keys() <= phones_in(campaign, S.UNCERTAIN, S.PENDING, S.DELIVERED)
        assert reconciliation.differences(fresh(campaign)) == []


def copy(source: Path, target: Path) -> None:
    """With its owners: the server runs as somebody else."""
    shutil.copytree(source, target, symlinks=True)
    for folder, names, files in os.walk(source):
        for name in ("", *names, *files):
            there = Path(folder, name)
            here = target / there.relative_to(source)
            shutil.chown(here, there.stat().st_uid, there.stat().st_gid)
    connection.close()
