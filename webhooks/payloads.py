"""What an event says, in the shape that is promised (`webhooks.shapes`)."""

import json
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection
from django.urls import reverse

from audit.models import Entry
from campaigns.models import Campaign
from delivery import errors
from delivery.statuses import TERM_OF, MessageState
from recipients.models import Suppression
from webhooks import shapes
from webhooks.models import Delivery, Endpoint
from webhooks.statuses import CHANGES, Change, Event


class Settled(NamedTuple):
    """A message, as its row says."""

    recipient: int
    state: int
    error_kind: int
    error_code: int | None
    done_at: datetime | None


def delivery(
    endpoint: Endpoint, *, event: str, data: Mapping[str, Any], at: datetime, now: datetime, entry: Entry | None = None
) -> Delivery:
    """Not saved yet. `at` is when it happened."""
    said = shapes.OF[event]({"type": event, "timestamp": _instant(at), "data": data})
    return Delivery(
        workspace_id=endpoint.workspace_id,
        endpoint=endpoint,
        public_id=f"msg_{uuid.uuid4().hex}",
        event=event,
        entry=entry,
        payload=said.data,
        made_at=now,
        since=now,
        next_at=now,
    )


def of_campaign(campaign: Campaign, entry: Entry) -> dict[str, Any]:
    return {
        "campaign": _named(campaign),
        "status": entry.after.get("status", ""),
        "previous_status": entry.before.get("status", ""),
        "reason": entry.note,
    }


def of_export(campaign: Campaign, entry: Entry) -> dict[str, Any]:
    """Where its file is, for whoever has a key: the address alone opens nothing."""
    is_ready = entry.action == Event.EXPORT_READY
    path = reverse("api:export-file", args=[int(entry.subject_id)])
    return {
        "campaign": _named(campaign),
        "export": {
            "id": int(entry.subject_id),
            "format": entry.after["format"],
            "rows": entry.after.get("rows"),
            "bytes": entry.after.get("bytes"),
            "kept_until": entry.after.get("kept_until"),
            "url": f"{settings.PUBLIC_URL}{path}" if is_ready else None,
        },
        "reason": entry.note,
    }


def of_messages(campaign: Campaign, settled: Iterable[Settled]) -> dict[str, Any]:
    return {"campaign": _named(campaign), "messages": [_message(campaign, one) for one in settled]}


def of_suppressions(entries: Iterable[Entry]) -> dict[str, Any]:
    """What of the ledger says that numbers were suppressed, one by one or by a file, and that they are no more."""
    changes, imports = [], []
    for entry in entries:
        if change := CHANGES.get(entry.action):
            changes.append(_change(entry, change))
        else:
            imports.append({"id": int(entry.subject_id), "added": entry.after["added"], "at": _instant(entry.at)})
    return {"changes": changes, "imports": imports}


def body(delivery: Delivery) -> bytes:
    """What is signed and sent: with the numbers, if the endpoint gets them, as far as they are still known."""
    payload, data = delivery.payload, delivery.payload["data"]
    if delivery.endpoint.with_numbers and delivery.event == Event.MESSAGES:
        payload = {**payload, "data": _with_numbers(data)}
    elif delivery.endpoint.with_numbers and delivery.event == Event.SUPPRESSIONS:
        payload = {**payload, "data": _with_suppressed_numbers(data, delivery.workspace_id)}
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()


def _named(campaign: Campaign) -> dict[str, Any]:
    return {"id": campaign.pk, "name": campaign.name}


def _message(campaign: Campaign, one: Settled) -> dict[str, Any]:
    error = errors.explain(one.error_kind, one.error_code) if one.state == MessageState.FAILED else None
    return {
        "id": f"{campaign.pk}-{one.recipient}",
        "status": str(TERM_OF[MessageState(one.state)]),
        "error": {"code": error.code, "name": error.name, "text": error.text} if error else None,
        "done_at": _instant(one.done_at) if one.done_at else None,
    }


def _change(entry: Entry, change: Change) -> dict[str, Any]:
    said = entry.before if change == Change.REMOVED else entry.after
    return {
        "id": int(entry.subject_id),
        "change": str(change),
        "source": said["source"],
        "reason": entry.note,
        "at": _instant(entry.at),
    }


_NUMBERS = "SELECT recipient, phone FROM delivery_message WHERE day = %s AND campaign_id = %s AND recipient = ANY(%s)"


def _with_numbers(data: Mapping[str, Any]) -> dict[str, Any]:
    campaign = Campaign.objects.get(pk=data["campaign"]["id"])
    recipients = [int(message["id"].rpartition("-")[2]) for message in data["messages"]]
    with connection.cursor() as cursor:
        cursor.execute(_NUMBERS, [campaign.day, campaign.pk, recipients])
        known = {recipient: f"+{phone}" for recipient, phone in cursor.fetchall() if phone}
    told = zip(data["messages"], recipients, strict=True)
    return {**data, "messages": [{**message, "to": known.get(recipient)} for message, recipient in told]}


def _with_suppressed_numbers(data: Mapping[str, Any], workspace_id: int) -> dict[str, Any]:
    rows = Suppression.objects.of(workspace_id).in_bulk([change["id"] for change in data["changes"]])
    known = {pk: f"+{row.phone}" for pk, row in rows.items() if not row.is_erased}
    return {**data, "changes": [{**change, "to": known.get(change["id"])} for change in data["changes"]]}


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
