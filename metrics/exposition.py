"""The figures as Prometheus reads them. Each part has its own luck: what cannot be asked is named, and the others are
told."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from channels.health import Latencies
from delivery import clocks, halting
from metrics import done, durations, figures, queues

logger = logging.getLogger(__name__)

PREFIX = "messagecenter_"
Families = Iterator[Metric]


class Figures(Collector):
    """One scrape."""

    def __init__(self, *, now: datetime) -> None:
        self._now = now

    def collect(self) -> Iterable[Metric]:
        told = _gauge("scrape_success", "1 when this part of the figures could be read.", "part")
        took = _gauge("scrape_duration_seconds", "How long reading this part of the figures took.", "part")
        for name, part in PARTS.items():
            began = time.perf_counter()
            try:
                families = list(part(self._now))
            except Exception:  # each store fails in its own ways, and the others' figures are wanted all the more
                logger.warning("metrics.part", extra={"part": name}, exc_info=True)
                families = []
            told.add_metric([name], bool(families))
            took.add_metric([name], time.perf_counter() - began)
            yield from families
        yield from (told, took)


def registry(*, now: datetime) -> CollectorRegistry:
    found = CollectorRegistry(auto_describe=False)
    found.register(Figures(now=now))
    return found


def _gauge(name: str, about: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(PREFIX + name, about, labels=labels)


def _one(name: str, about: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(PREFIX + name, about, value=value)


def _by(name: str, about: str, label: str, values: dict[str, int]) -> GaugeMetricFamily:
    family = _gauge(name, about, label)
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def _buckets(within: Iterable[float], counts: Iterable[int]) -> list[tuple[str, float]]:
    """Prometheus' counts hold what was quicker as well."""
    bounds = [*map(str, within), "+Inf"]
    return list(zip(bounds, map(float, accumulate(counts)), strict=True))


# --- The parts --------------------------------------------------------------------------------------------------------


def _queues(now: datetime) -> Families:
    messages = _gauge("queue_messages", "Messages that wait in a Celery queue.", "queue")
    ages = _gauge("queue_oldest_message_age_seconds", "How long the first of a queue has waited.", "queue")
    for one in queues.waiting():
        messages.add_metric([one.queue], one.messages)
        ages.add_metric([one.queue], max(0.0, now.timestamp() - one.since) if one.since else 0.0)
    yield from (messages, ages)


def _tasks(now: datetime) -> Families:
    last = _gauge("task_last_success_timestamp_seconds", "When a task of the schedule was done last.", "task")
    for task, at in done.last().items():
        last.add_metric([task], at)
    failed = CounterMetricFamily(PREFIX + "task_failures", "Tasks that ended in an error.", labels=["task"])
    for task, count in done.failures().items():
        failed.add_metric([task], count)
    yield from (last, failed)


def _campaigns(now: datetime) -> Families:
    yield _by("campaigns", "Campaigns that are not over, by status.", "status", figures.campaigns())
    yield _one("campaign_overdue_seconds", "How long a campaign is due and not started, at most.", figures.overdue(now))
    yield _one(
        "campaign_start_lateness_seconds",
        "By how much the latest start of the last ten minutes was late.",
        figures.latest_start(now),
    )
    rates = _gauge(
        "campaign_recipients_per_second", "Recipients handed over a second, of the busiest campaigns.", "campaign"
    )
    limits = _gauge("campaign_limit_parts_per_second", "The limit of those campaigns; 0 is none.", "campaign")
    for flow in figures.flows(now):
        rates.add_metric([str(flow.campaign_id)], flow.recipients_per_second)
        limits.add_metric([str(flow.campaign_id)], flow.limit)
    yield from (rates, limits)


def _dispatch(now: datetime) -> Families:
    waiting, owned, age = figures.chunks(now)
    chunks = {"waiting": waiting, "owned": owned, "kept_back": figures.kept_back()}
    yield _by(
        "chunks", "Chunks that are not done: nobody's, somebody's, kept for a person to look at.", "state", chunks
    )
    yield _one("chunk_oldest_open_age_seconds", "Since when the campaign of the oldest open chunk sends.", age)
    waiting, age = figures.pushed(now)
    yield _one("pushed_waiting", "Messages pushed into triggers that are sending, and not handed over.", waiting)
    yield _one("pushed_oldest_waiting_seconds", "For how long the oldest of these has waited.", age)
    yield _one("messages_uncertain", "Messages of which nobody knows whether they were accepted.", figures.uncertain())
    halts = [halt.kind for halt in halting.in_force()]
    yield _by("halt", "1 while everything is stopped for this reason.", "kind", dict.fromkeys(halts, 1))
    yield _one("halted", "1 while nothing is sent because somebody, or a restore, stopped it.", bool(halts))
    yield _by("incidents_recent", "Incidents of the last ten minutes, by kind.", "kind", figures.incidents(now))


def _channels(now: datetime) -> Families:
    limits = _gauge(
        "channel_limit_parts_per_second", "Parts a second that a channel may take; 0 is no limit.", "channel"
    )
    binds = _gauge("channel_binds_up", "Binds of a channel that are up, over all processes.", "channel")
    rates = _gauge("channel_parts_per_second", "Parts a second over all binds of a channel.", "channel")
    up = _gauge("bind_up", "1 when this bind is bound.", "channel", "process", "bind")
    window = _gauge("bind_window_size", "Most unanswered submit_sm of this bind.", "channel", "process", "bind")
    used = _gauge("bind_window_used", "Unanswered submit_sm of this bind.", "channel", "process", "bind")
    channels = figures.channels()
    states = figures.binds(channels, now=now)
    for channel in channels:
        mine = [state for state in states if state.channel_id == channel.pk]
        limits.add_metric([channel.name], channel.tps)
        binds.add_metric([channel.name], sum(state.is_up for state in mine))
        rates.add_metric([channel.name], sum(state.rate for state in mine))
    for state in states:
        labels = [state.channel, state.process, state.name]
        up.add_metric(labels, state.is_up)
        window.add_metric(labels, state.window)
        used.add_metric(labels, state.unanswered)
    yield from (limits, binds, rates, up, window, used)
    took = HistogramMetricFamily(
        PREFIX + "submit_response_seconds", "How long carriers took to answer.", labels=["channel", "process"]
    )
    for one in figures.answers(now):
        took.add_metric([one.channel, one.process], _buckets(Latencies.WITHIN, one.counts), one.seconds)
    yield took


def _receipts(now: datetime) -> Families:
    count, lag = figures.receipts(now)
    yield _one("receipts_unmatched", "Receipts that came and whose message is not known yet.", count)
    yield _one("receipts_lag_seconds", "By how much the matching of the first of them is late.", lag)


def _replica(now: datetime) -> Families:
    lag = _gauge("replica_lag_seconds", "By how much the copy that reports are read from is behind.")
    if (seconds := figures.replica_lag(now)) is not None:
        lag.add_metric([], seconds)
    yield lag


def _clocks(now: datetime) -> Families:
    clocks.look()
    errors = _gauge(
        "clock_error_seconds", "By how much the clock of a host is ahead of PostgreSQL's; behind is below 0.", "host"
    )
    for host, seconds in figures.clock_errors().items():
        errors.add_metric([host], seconds)
    yield errors


def _files(now: datetime) -> Families:
    yield _by("lists", "Lists: being prepared, waiting for a worker, failed in a day.", "state", figures.lists(now))
    yield _by("exports", "Exports: queued, running, failed in a day.", "state", figures.exports(now))


def _webhooks(now: datetime) -> Families:
    count, age, late = figures.webhooks(now)
    yield _one("webhook_deliveries_waiting", "Deliveries of webhooks that were not taken yet.", count)
    yield _one("webhook_oldest_waiting_age_seconds", "For how long the oldest of them has waited.", age)
    yield _one("webhook_lateness_seconds", "By how much the first of them that is due is late.", late)


def _ledger(now: datetime) -> Families:
    newest, verified, broken = figures.ledger()
    yield _one("ledger_head_timestamp_seconds", "When the newest entry of the ledger was written.", newest)
    yield _one(
        "ledger_verified_timestamp_seconds", "When the chain was verified that was so longest ago; 0: never.", verified
    )
    yield _one("ledger_chains_broken", "Chains that did not hold when they were last verified.", broken)


def _http(now: datetime) -> Families:
    durations.durations.add()
    took = HistogramMetricFamily(
        PREFIX + "http_request_duration_seconds",
        "How long requests took to the first byte, of all web processes.",
        labels=["route", "method", "status"],
    )
    for kind, seen in durations.of_all().items():
        took.add_metric([kind.route, kind.method, kind.status], _buckets(durations.WITHIN, seen.counts), seen.seconds)
    yield took


PARTS: dict[str, Callable[[datetime], Families]] = {
    "queues": _queues,
    "tasks": _tasks,
    "campaigns": _campaigns,
    "dispatch": _dispatch,
    "channels": _channels,
    "receipts": _receipts,
    "replica": _replica,
    "clocks": _clocks,
    "files": _files,
    "webhooks": _webhooks,
    "ledger": _ledger,
    "http": _http,
}
