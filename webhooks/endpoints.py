"""Endpoints: made, changed, their secrets rotated, switched off and on, tried. Each leaves an entry of the ledger."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User, Workspace
from audit.boxes import Box
from audit.commits import afterwards
from audit.ledger import record
from audit.models import Entry
from audit.refusal import Refused
from webhooks import payloads, signing, tasks, wall
from webhooks.models import Delivery, Endpoint, Following
from webhooks.statuses import TEST, DeliveryState, Disabled, Event

MOST = 20  # of a workspace
OVERLAP = timedelta(days=1)  # in which the secret before a rotation still signs
SECRET, OLD_SECRET = "secret", "old_secret"
BOX = Box("WEBHOOK_KEY")


@transaction.atomic
def create(
    workspace: Workspace,
    *,
    url: str,
    events: Iterable[str],
    by: User,
    now: datetime,
    description: str = "",
    with_numbers: bool = False,
) -> tuple[Endpoint, str]:
    """The endpoint and its secret, which nobody is told again. It hears of what happens from here on."""
    workspace = Workspace.objects.select_for_update(no_key=True).get(pk=workspace.pk)
    if Endpoint.objects.of(workspace).count() >= MOST:
        raise Refused(_("There are %(most)s webhooks already.") % {"most": MOST}, code="too_many_webhooks")
    wall.target_of(url)
    last = _last(workspace.pk)
    endpoint = Endpoint(
        workspace=workspace,
        url=url,
        description=description.strip(),
        events=_in_order(events),
        with_numbers=with_numbers,
        created_by=by,
        created_at=now,
        seq=last,
        suppressed_seq=last,
    )
    secret = signing.new_secret()
    endpoint.secret_ciphertext = BOX.seal(secret, of=endpoint.place_of(SECRET))
    endpoint.save(force_insert=True)
    record("endpoint.created", endpoint, by=by, after=_said(endpoint))
    return endpoint, secret


@transaction.atomic
def change(endpoint_id: int, *, by: User, **changes: Any) -> Endpoint:
    """`url`, `description`, `events`: those that are given. Whether it gets numbers is said once, when it is made."""
    endpoint = Endpoint.objects.lock(endpoint_id)
    before = _said(endpoint)
    if "url" in changes:
        wall.target_of(changes["url"])
    if "events" in changes:
        changes["events"] = _in_order(changes["events"])
        if Event.SUPPRESSIONS in changes["events"] and Event.SUPPRESSIONS not in endpoint.events:
            changes["suppressed_seq"] = _last(endpoint.workspace_id)  # it hears of what happens from here on
    for name, value in changes.items():
        setattr(endpoint, name, value)
    if changes:
        endpoint.save(update_fields=list(changes))
    if (after := _said(endpoint)) != before:
        record("endpoint.changed", endpoint, by=by, before=before, after=after)
    return endpoint


@transaction.atomic
def rotate(endpoint_id: int, *, by: User, now: datetime) -> tuple[Endpoint, str]:
    """The new secret. That before it signs beside it for a day; one before that no more, nor one that does not open."""
    endpoint = Endpoint.objects.lock(endpoint_id)
    endpoint.old_secret_ciphertext, endpoint.old_secret_until = "", None
    with suppress(ImproperlyConfigured):
        old = BOX.opened(endpoint.secret_ciphertext, of=endpoint.place_of(SECRET))
        endpoint.old_secret_ciphertext = BOX.seal(old, of=endpoint.place_of(OLD_SECRET))
        endpoint.old_secret_until = now + OVERLAP
    secret = signing.new_secret()
    endpoint.secret_ciphertext = BOX.seal(secret, of=endpoint.place_of(SECRET))
    endpoint.save(update_fields=["secret_ciphertext", "old_secret_ciphertext", "old_secret_until"])
    record("endpoint.rotated", endpoint, by=by, after={"old_secret_until": endpoint.old_secret_until})
    return endpoint, secret


def secrets_of(endpoint: Endpoint, *, now: datetime) -> list[str]:
    """Those that sign now, the newest first. Raises ImproperlyConfigured when one does not decrypt."""
    found = [BOX.opened(endpoint.secret_ciphertext, of=endpoint.place_of(SECRET))]
    if endpoint.old_secret_until is not None and now < endpoint.old_secret_until:
        found.append(BOX.opened(endpoint.old_secret_ciphertext, of=endpoint.place_of(OLD_SECRET)))
    return found


def seal_anew() -> int:
    """What was sealed with an older WEBHOOK_KEY, with that of today: the secrets are the same. How many endpoints had
    any. Raises ImproperlyConfigured when one does not decrypt; those before it are done."""
    there = Endpoint.objects.filter(deleted_at=None).order_by("pk")
    return sum(_seal_anew(endpoint_id) for endpoint_id in there.values_list("pk", flat=True))


@transaction.atomic
def _seal_anew(endpoint_id: int) -> bool:
    endpoint = Endpoint.objects.lock(endpoint_id)
    older = {
        f"{field}_ciphertext": (sealed, endpoint.place_of(field))
        for field in (SECRET, OLD_SECRET)
        if (sealed := getattr(endpoint, f"{field}_ciphertext")) and not BOX.is_current(sealed)
    }
    for name, (sealed, of) in older.items():
        setattr(endpoint, name, BOX.seal(BOX.opened(sealed, of=of), of=of))
    if older:
        endpoint.save(update_fields=[*older])
    return bool(older)


@transaction.atomic
def disable(endpoint_id: int, *, why: Disabled, by: User | None) -> None:
    """Nothing is sent any more. What happens meanwhile, it hears of when it is switched on again."""
    endpoint = Endpoint.objects.lock(endpoint_id)
    if endpoint.disabled != Disabled.NO:
        return
    endpoint.disabled = why
    endpoint.save(update_fields=["disabled"])
    record("endpoint.disabled", endpoint, by=by, after={"why": str(why)})


@transaction.atomic
def enable(endpoint_id: int, *, by: User, now: datetime) -> None:
    """From a clean start: what is still waiting is tried at once, and has a day anew."""
    endpoint = Endpoint.objects.lock(endpoint_id)
    if endpoint.disabled == Disabled.NO:
        return
    before = {"why": endpoint.disabled}
    endpoint.disabled, endpoint.failing_since, endpoint.rests_until, endpoint.silences = Disabled.NO, None, None, 0
    endpoint.save(update_fields=["disabled", "failing_since", "rests_until", "silences"])
    Delivery.objects.pending().filter(endpoint=endpoint).update(since=now, next_at=now, tries=0)
    record("endpoint.enabled", endpoint, by=by, before=before)
    afterwards(tasks.send.delay, endpoint.pk)


@transaction.atomic
def delete(endpoint_id: int, *, by: User, now: datetime) -> None:
    """Nothing of it stays but its row, without secrets, and what the ledger says of it."""
    endpoint = Endpoint.objects.lock(endpoint_id)
    endpoint.deleted_at = now
    endpoint.secret_ciphertext, endpoint.old_secret_ciphertext, endpoint.old_secret_until = "", "", None
    endpoint.save(update_fields=["deleted_at", "secret_ciphertext", "old_secret_ciphertext", "old_secret_until"])
    Delivery.objects.filter(endpoint=endpoint).drop()
    Following.objects.filter(endpoint=endpoint).delete()
    record("endpoint.deleted", endpoint, by=by, before=_said(endpoint))


@transaction.atomic
def try_out(endpoint_id: int, *, by: User, now: datetime) -> Delivery:
    """An event that says nothing but that it came."""
    endpoint = Endpoint.objects.lock(endpoint_id)
    _check_on(endpoint)
    delivery = payloads.delivery(endpoint, event=TEST, data={}, at=now, now=now)
    delivery.save(force_insert=True)
    record("endpoint.tested", endpoint, by=by)
    afterwards(tasks.send.delay, endpoint.pk)
    return delivery


@transaction.atomic
def redeliver(delivery_id: int, *, by: User, now: datetime) -> Delivery:
    """Once more, under the same webhook-id, whatever became of it before; with a day anew."""
    endpoint = Endpoint.objects.lock(Delivery.objects.get(pk=delivery_id).endpoint_id)
    _check_on(endpoint)
    delivery = Delivery.objects.select_for_update(no_key=True).get(pk=delivery_id)
    delivery.state, delivery.since, delivery.next_at, delivery.tries = DeliveryState.PENDING, now, now, 0
    delivery.save(update_fields=["state", "since", "next_at", "tries"])
    record("endpoint.redelivered", endpoint, by=by, after={"webhook_id": delivery.public_id})
    afterwards(tasks.send.delay, endpoint.pk)
    return delivery


def _check_on(endpoint: Endpoint) -> None:
    if endpoint.disabled != Disabled.NO:
        raise Refused(_("It is switched off: switch it on first."), code="webhook_disabled")


def _last(chain: int) -> int:
    """Where the ledger of the workspace is."""
    return Entry.objects.filter(chain=chain).order_by("-seq").values_list("seq", flat=True).first() or 0


def _in_order(events: Iterable[str]) -> list[str]:
    chosen = set(events)
    if not chosen or not chosen <= set(Event.values):
        raise Refused(_("Choose what it is told of."), code="unknown_event", field="events")
    return [str(event) for event in Event if event in chosen]


def _said(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "url": endpoint.address,
        "description": endpoint.description,
        "events": endpoint.events,
        "with_numbers": endpoint.with_numbers,
    }
