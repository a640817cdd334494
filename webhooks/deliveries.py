"""Deliveries leave: one worker at a time for an endpoint, and those who are slow have few of them (`seats`)."""

import random
import time
from contextlib import nullcontext
from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from recipients import masking
from webhooks import endpoints, following, happenings, payloads, sending, signing, suppressed, tasks
from webhooks.models import Attempt, Delivery, Endpoint
from webhooks.querysets import LEASE
from webhooks.seats import LATE, WHILE, seats
from webhooks.sending import Answer
from webhooks.statuses import DeliveryState, Disabled

DAY = timedelta(days=1)
# After each attempt that was not taken, with a fifth more or less; from the last on, the same again.
SCHEDULE = [timedelta(seconds=n) for n in (5, 30, 120, 600, 1800, 3600, 2 * 3600, 4 * 3600, 6 * 3600)]
JITTER = 0.2
# Where nobody answers at all, the endpoint itself is left alone for a while, doubled each time: what waits for it
# would only wait for the same silence.
SILENCE, LONGEST_SILENCE = timedelta(seconds=5), timedelta(minutes=5)
TURN = 5.0  # seconds of one worker for one endpoint, and the attempt that it is at


def look(*, now: datetime) -> None:
    """Find what is to be told, and ring for every endpoint that has something due, each in its turn."""
    happenings.look(now=now)
    suppressed.look(now=now)
    following.look(now=now)
    for endpoint_id in Endpoint.objects.due(now).in_turn().values_list("pk", flat=True):
        tasks.send.delay(endpoint_id)


def send(endpoint_id: int, *, now: datetime) -> None:
    """What is due for it, unless somebody sends to it, or it is slow and too many such are sent to; whoever looks rings
    again."""
    endpoint = Endpoint.objects.get(pk=endpoint_id)
    with seats.one_of(endpoint.workspace_id) if endpoint.is_slow(now) else nullcontext(True) as has_seat:
        if has_seat and Endpoint.objects.claim(endpoint_id, now=now):
            _take_turn(endpoint_id, now=now)


def forget(*, now: datetime) -> None:
    """What is older than it is kept."""
    Delivery.objects.filter(made_at__lt=now - settings.WEBHOOK_KEPT).drop()
    following.forget(now=now)


def _take_turn(endpoint_id: int, *, now: datetime) -> None:
    """One delivery after the other for a while. A late answer ends it: from there on the endpoint needs a seat."""
    began, spent = time.monotonic(), 0.0
    while spent < TURN and (delivery := _next(endpoint_id, now=now + timedelta(seconds=spent))):
        at = now + timedelta(seconds=spent)
        answer = _post(delivery, at=at)
        spent = time.monotonic() - began
        _record(delivery, answer, at=at)
        if _is_late(answer):
            break
    ended = now + timedelta(seconds=spent)
    Endpoint.objects.filter(pk=endpoint_id).update(claimed_until=None, served_at=ended)


def _next(endpoint_id: int, *, now: datetime) -> Delivery | None:
    if not Endpoint.objects.ready(now).filter(pk=endpoint_id).exists():  # switched off, or silent, meanwhile
        return None
    due = Delivery.objects.due(now).filter(endpoint=endpoint_id).select_related("endpoint")
    return due.order_by("next_at", "pk").first()


def _post(delivery: Delivery, *, at: datetime) -> Answer:
    endpoint = delivery.endpoint
    try:
        secrets = endpoints.secrets_of(endpoint, now=at)
    except ImproperlyConfigured:
        return Answer(status=None, beginning="", trouble="Its secret does not decrypt: rotate it.", seconds=0)
    body = payloads.body(delivery)
    signed = signing.headers(secrets, webhook_id=delivery.public_id, timestamp=int(at.timestamp()), body=body)
    return sending.post(endpoint.url, body, signed)


@transaction.atomic
def _record(delivery: Delivery, answer: Answer, *, at: datetime) -> None:
    endpoint = Endpoint.objects.select_for_update(of=("self",), no_key=True).get(pk=delivery.endpoint_id)
    if endpoint.deleted_at is not None:  # meanwhile, and its deliveries with it
        return
    Attempt.objects.create(
        workspace_id=delivery.workspace_id,
        delivery=delivery,
        at=at,
        status=answer.status,
        answer=masking.in_text(answer.beginning),  # it may say to whom
        trouble=answer.trouble[:300],
        milliseconds=round(answer.seconds * 1000),
    )
    if answer.is_delivered:
        delivery.state = DeliveryState.DELIVERED
    else:
        delivery.tries += 1
        is_over = at >= delivery.since + DAY
        delivery.state = DeliveryState.FAILED if is_over else DeliveryState.PENDING
        delivery.next_at = at if is_over else min(at + _wait(delivery.tries), delivery.since + DAY)
    delivery.save(update_fields=["state", "tries", "next_at"])
    _note(endpoint, answer, at=at)


def _note(endpoint: Endpoint, answer: Answer, *, at: datetime) -> None:
    """How the endpoint fares, whichever delivery it was. While it is sent to, it stays ours."""
    endpoint.claimed_until = at + timedelta(seconds=answer.seconds) + LEASE
    if _is_late(answer):
        endpoint.slow_until = at + WHILE
    endpoint.failing_since = None if answer.is_delivered else endpoint.failing_since or at
    endpoint.silences = endpoint.silences + 1 if answer.status is None else 0
    endpoint.rests_until = at + _silence(endpoint.silences) if endpoint.silences else None
    endpoint.save(update_fields=["claimed_until", "slow_until", "failing_since", "silences", "rests_until"])
    if answer.is_gone:
        endpoints.disable(endpoint.pk, why=Disabled.GONE, by=None)
    elif endpoint.failing_since is not None and at >= endpoint.failing_since + DAY:
        endpoints.disable(endpoint.pk, why=Disabled.FAILING, by=None)


def _is_late(answer: Answer) -> bool:
    return answer.seconds >= LATE


def _wait(tries: int) -> timedelta:
    return _jittered(SCHEDULE[min(tries, len(SCHEDULE)) - 1])


def _silence(silences: int) -> timedelta:
    return _jittered(min(SILENCE * 2 ** min(silences - 1, 10), LONGEST_SILENCE))


def _jittered(wait: timedelta) -> timedelta:
    return wait * random.uniform(1 - JITTER, 1 + JITTER)
