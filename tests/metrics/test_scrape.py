"""What a scrape says, and to whom."""

import socket
import time
import uuid
from datetime import timedelta
from ipaddress import ip_network
from zoneinfo import ZoneInfo

import pytest
import time_machine
from celery import Celery
from django.conf import settings as ours
from django.test import Client
from django.utils import timezone
from kombu import Queue
from prometheus_client.parser import text_string_to_metric_families as parse

from campaigns.models import Campaign
from channels.health import Latencies
from channels.models import LinkState
from delivery import clocks, halting, incidents, pushing
from delivery.models import Chunk, Doubt
from delivery.statuses import HaltKind, IncidentKind
from metrics import done, durations, queues, valkey
from tests import factories
from webhooks.models import Delivery, Endpoint
from webhooks.statuses import DeliveryState, Disabled

TOKEN = "a token of this test"
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def empty_counters(monkeypatch):
    """Of this process, too: what earlier tests asked for is counted by now."""
    monkeypatch.setattr(valkey, "TIMEOUT", 60.0)  # a machine that tests is a busy one
    valkey._client.cache_clear()
    durations.durations.add()
    redis = valkey.client()
    redis.delete(done.DONE, done.FAILED, durations.HASH)
    valkey._Patience.until = 0.0
    yield
    valkey._Patience.until = 0.0
    redis.delete(done.DONE, done.FAILED, durations.HASH)
    valkey._client.cache_clear()


@pytest.fixture(autouse=True)
def token(settings):
    settings.METRICS_TOKEN, settings.METRICS_NETWORKS = TOKEN, []


def asked(**headers):
    return Client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}", **headers})


def scraped():
    """The samples by name and labels."""
    families = list(parse(asked().content.decode()))
    return {(one.name, *sorted(one.labels.items())): one.value for family in families for one in family.samples}


def of(found, name, **labels):
    return found[(f"messagecenter_{name}", *sorted(labels.items()))]


# --- To whom ----------------------------------------------------------------------------------------------------------


def test_without_the_token_there_is_nothing():
    for headers in ({}, {"Authorization": "Bearer another"}, {"Authorization": f"Basic {TOKEN}"}):
        assert Client().get("/metrics", headers=headers).status_code == 404
    assert asked().status_code == 200
    assert Client().post("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 405


def test_an_empty_token_opens_nothing(settings):
    settings.METRICS_TOKEN = ""
    for headers in ({}, {"Authorization": "Bearer "}, {"Authorization": "Bearer"}):
        assert Client().get("/metrics", headers=headers).status_code == 404


def test_a_network_that_is_allowed_needs_none(settings):
    assert Client(REMOTE_ADDR="10.1.2.3").get("/metrics").status_code == 404
    settings.METRICS_NETWORKS = [ip_network("10.0.0.0/8"), ip_network("127.0.0.0/8")]
    assert Client(REMOTE_ADDR="10.1.2.3").get("/metrics").status_code == 200
    assert Client(REMOTE_ADDR="192.0.2.1").get("/metrics").status_code == 404


def test_what_came_through_a_proxy_is_not_near(settings):
    """A proxy on the same machine has a near address, whoever calls it."""
    settings.METRICS_NETWORKS = [ip_network("127.0.0.0/8")]
    for name in ("X-Forwarded-For", "Forwarded", "X-Real-Ip", "Via"):
        assert Client().get("/metrics", headers={name: "127.0.0.1"}).status_code == 404
    settings.TRUSTED_PROXIES = [ip_network("127.0.0.0/8")]
    assert Client().get("/metrics", headers={"X-Forwarded-For": "192.0.2.1"}).status_code == 404
    settings.METRICS_NETWORKS = [ip_network("10.0.0.0/8")]
    assert Client().get("/metrics", headers={"X-Forwarded-For": "10.1.2.3"}).status_code == 200
    assert Client().get("/metrics", headers={"X-Forwarded-For": "10.1.2.3, 192.0.2.1"}).status_code == 404


# --- What -------------------------------------------------------------------------------------------------------------


def test_campaigns_chunks_and_what_is_in_doubt_are_told(workspace):
    now = timezone.now()
    late = factories.approved(workspace)
    type(late).objects.filter(pk=late.pk).update(approved_at=now - timedelta(seconds=90))
    sending = factories.sending(workspace)
    chunk = Chunk.objects.create(campaign=sending, number=0, first=0, count=10, key="k", sha256="0" * 64)
    doubt = {"campaign": sending, "channel": sending.channel, "phone": 31600000001, "at": now}
    Doubt.objects.bulk_create(Doubt(recipient=n, **doubt) for n in range(3))
    incidents.note(IncidentKind.STORAGE, at=now, sample="away", count=4)
    halting.stop(HaltKind.EMERGENCY, reason="Wrong list.", by=None, now=now)
    found = scraped()
    assert (of(found, "campaigns", status="sending"), of(found, "campaigns", status="approved")) == (1, 1)
    assert 89 < of(found, "campaign_overdue_seconds") < 120
    assert of(found, "chunks", state="waiting") == 1
    assert of(found, "messages_uncertain") == 3
    assert (of(found, "incidents_recent", kind="storage"), of(found, "incidents_recent", kind="redis")) == (4, 0)
    assert of(found, "halted") == of(found, "halt", kind="emergency") == 1
    assert all(value == 1 for (name, *_), value in found.items() if name == "messagecenter_scrape_success")
    Chunk.objects.filter(pk=chunk.pk).delete()


def test_what_is_pushed_and_waits_is_told_with_the_age_of_the_oldest(workspace):
    then = timezone.now() - timedelta(seconds=40)
    campaign = factories.trigger(workspace, text="Hello.")
    asks = [pushing.Ask(to=f"+3160000000{n}") for n in range(3)]
    pushing.push(campaign, asks, by=None, now=then)
    Chunk.objects.filter(campaign=campaign).update(next=1, intended=1)
    found = scraped()
    assert of(found, "pushed_waiting") == 2
    assert 39 < of(found, "pushed_oldest_waiting_seconds") < 70


def test_what_is_pushed_in_closed_hours_waits_and_is_not_late(workspace):
    now = timezone.now()
    shown = now.astimezone(ZoneInfo(workspace.time_zone))
    opens, closes = ((shown + shift).time() for shift in (2 * HOUR, 3 * HOUR))
    campaign = factories.trigger(workspace, text="Hello.", daily_from=opens, daily_to=closes)
    pushing.push(campaign, [pushing.Ask(to="+31600000001")], by=None, now=now - MINUTE)
    found = scraped()
    assert (of(found, "pushed_waiting"), of(found, "pushed_oldest_waiting_seconds")) == (1, 0)


def test_the_chunk_that_grows_with_a_trigger_is_not_one_that_waits(workspace):
    campaign = factories.trigger(workspace, text="Hello.")
    Campaign.objects.filter(pk=campaign.pk).update(started_at=timezone.now() - timedelta(days=30))
    pushing.push(campaign, [pushing.Ask(to="+31600000001")], by=None, now=timezone.now())
    assert of(scraped(), "chunks", state="waiting") == 1
    Chunk.objects.filter(campaign=campaign).update(next=1, intended=1)
    found = scraped()
    assert (of(found, "chunks", state="waiting"), of(found, "chunk_oldest_open_age_seconds")) == (0, 0)
    assert of(found, "pushed_oldest_waiting_seconds") == 0


def test_without_a_copy_for_reports_nothing_is_said_of_one_and_nothing_is_missing():
    found = scraped()
    assert of(found, "scrape_success", part="replica") == 1
    assert not [name for name, *_ in found if name == "messagecenter_replica_lag_seconds"]


def test_a_host_whose_clock_is_wrong_is_told_with_by_how_much(monkeypatch):
    monkeypatch.setattr(clocks._Process, "looked_at", -clocks.LOOK_EVERY)
    monkeypatch.setattr(clocks, "VAGUE", 60.0)  # whatever else the machine has to do meanwhile
    monkeypatch.setattr(clocks, "WRONG", 60.0)
    with time_machine.travel(timezone.now() + timedelta(seconds=900)):
        clocks.compare("fast")
    with time_machine.travel(timezone.now() - timedelta(seconds=300)):
        clocks.compare("slow")
    found = scraped()
    assert of(found, "clock_error_seconds", host="fast") == pytest.approx(900, abs=60)
    assert of(found, "clock_error_seconds", host="slow") == pytest.approx(-300, abs=60)
    assert abs(of(found, "clock_error_seconds", host=socket.gethostname())) < 60  # who is scraped has a look
    assert {one.host for one in clocks.wrong()} == {"fast", "slow"}


def test_binds_and_the_latencies_of_their_carrier_are_told():
    channel, now = factories.channel(tps=50), timezone.now()
    took = Latencies()
    took.count(0.02, 7)
    took.count(99.0, 1)
    for number in range(2):
        LinkState.objects.create(
            channel=channel, process="one:1", name=f"main/{number}", is_up=True, window=10, unanswered=4, rate=20.0,
            answered=took.counts, answer_seconds=took.seconds, seen_at=now,
        )  # fmt: skip
    found = scraped()
    bind = {"channel": "main", "process": "one:1", "bind": "main/1"}
    assert (of(found, "bind_up", **bind), of(found, "bind_window_used", **bind)) == (1, 4)
    assert of(found, "channel_parts_per_second", channel="main") == 40
    assert of(found, "channel_limit_parts_per_second", channel="main") == 50
    assert of(found, "submit_response_seconds_count", channel="main", process="one:1") == 16
    assert of(found, "submit_response_seconds_bucket", channel="main", process="one:1", le="0.025") == 14
    assert of(found, "submit_response_seconds_sum", channel="main", process="one:1") == pytest.approx(2 * 99.14)


def test_requests_are_told_by_route_and_those_to_nowhere_are_one_route():
    for path in ("/healthz", "/healthz", "/nowhere/1", "/nowhere/2"):
        Client().get(path)
    Client().generic("BREW", "/healthz")
    found = scraped()
    assert of(found, "http_request_duration_seconds_count", route="healthz", method="GET", status="200") == 2
    assert (
        of(found, "http_request_duration_seconds_bucket", route="healthz", method="GET", status="200", le="10.0") == 2
    )
    assert of(found, "http_request_duration_seconds_count", route="unknown", method="GET", status="404") == 2
    assert of(found, "http_request_duration_seconds_count", route="unknown", method="other", status="405") == 1
    assert of(scraped(), "http_request_duration_seconds_count", route="unknown", method="GET", status="404") == 2


def test_what_redis_does_not_take_is_told_later(settings):
    url = settings.RATE_REDIS_URL
    seen = durations.Durations()
    seen.note("somewhere", "GET", 200, 0.2)
    settings.RATE_REDIS_URL = "redis://127.0.0.1:1/0"
    seen.add()
    settings.RATE_REDIS_URL = url
    seen.note("somewhere", "GET", 200, 0.3)
    seen.add()
    assert sum(durations.of_all()[durations.Kind("somewhere", "GET", "200")].counts) == 2


def test_a_store_that_is_away_is_named_and_the_others_are_told(settings):
    settings.RATE_REDIS_URL = "redis://127.0.0.1:1/0"
    found = scraped()
    assert (of(found, "scrape_success", part="http"), of(found, "scrape_success", part="campaigns")) == (0, 1)
    assert of(found, "campaigns", status="sending") == 0


def test_a_task_of_the_schedule_says_when_it_was_done_and_any_that_it_failed():
    from audit.tasks import keep_heads
    from delivery.tasks import dispatch

    done._note_done(keep_heads)
    done._note_done(dispatch)
    done._note_failed(dispatch)
    found = scraped()
    assert of(found, "task_last_success_timestamp_seconds", task=keep_heads.name) == pytest.approx(time.time(), abs=60)
    assert ("messagecenter_task_last_success_timestamp_seconds", ("task", dispatch.name)) not in found
    assert of(found, "task_failures_total", task=dispatch.name) == 1


def test_a_queue_in_redis_says_how_much_waits_and_for_how_long():
    app = Celery("of this test", broker=ours.RATE_REDIS_URL, set_as_current=False)
    app.conf.task_queues = [Queue("metrics-test"), Queue("metrics-test-empty")]
    try:
        began = time.time()
        for _ in range(3):
            app.send_task("metrics.nothing", queue="metrics-test")
        first, empty = queues.waiting(app)
        assert (first.messages, empty.messages, empty.since) == (3, 0, None)
        assert began - 1 <= first.since <= time.time()
    finally:
        valkey.client().delete("metrics-test")
        app.close()


def test_what_waits_for_receivers_is_told(workspace, admin):
    endpoint = factories.endpoint(workspace)
    off = factories.endpoint(workspace, "https://hooks.example.com/off")
    now = timezone.now()

    def waiting(for_whom, **given):
        made = {"made_at": now - HOUR, "since": now - HOUR, "next_at": now - MINUTE, "event": "webhook.test"}
        Delivery.objects.create(
            workspace=workspace, endpoint=for_whom, public_id=uuid.uuid4().hex, payload={}, **made | given
        )

    assert of(scraped(), "webhook_deliveries_waiting") == of(scraped(), "webhook_lateness_seconds") == 0
    waiting(endpoint)
    waiting(endpoint, since=now - 2 * HOUR, next_at=now + HOUR)
    waiting(endpoint, since=now - 3 * HOUR, state=DeliveryState.DELIVERED)
    waiting(off, since=now - 4 * HOUR)
    Endpoint.objects.filter(pk=off.pk).update(disabled=Disabled.BY_HAND)
    found = scraped()
    assert of(found, "webhook_deliveries_waiting") == 2
    assert of(found, "webhook_oldest_waiting_age_seconds") == pytest.approx(7200, abs=30)
    assert of(found, "webhook_lateness_seconds") == pytest.approx(60, abs=30)
    Endpoint.objects.filter(pk=endpoint.pk).update(rests_until=now + HOUR)  # nobody answered there
    assert of(scraped(), "webhook_lateness_seconds") == 0


def test_every_name_and_help_follows_the_conventions():
    for family in parse(asked().content.decode()):
        assert family.name.startswith("messagecenter_")
        assert len(family.documentation) > 10 and family.documentation.endswith(".")
        assert family.type != "counter" or all(one.name.endswith(("_total", "_created")) for one in family.samples)
