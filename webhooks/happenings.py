"""What happened to campaigns and exports, read from the ledger for each endpoint: as notices are (docs/adr/0043)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from audit.models import Entry
from campaigns.models import Campaign
from webhooks import payloads
from webhooks.models import Delivery, Endpoint
from webhooks.statuses import OF_CAMPAIGNS, OF_EXPORTS

AT_ONCE = 2000  # entries in a look

_NEW = """
SELECT w.id AS endpoint_id, e.* FROM webhooks_endpoint w
JOIN audit_entry e ON e.chain = w.workspace_id AND e.seq > w.seq
WHERE w.id = ANY(%s) ORDER BY w.id, e.seq LIMIT %s
"""


@transaction.atomic
def look(*, now: datetime) -> None:
    """A delivery for each new entry that an endpoint wants. Within a chain `seq` has no gap and commits in its order;
    the place and the deliveries are written together, so that each entry is told once."""
    locked = Endpoint.objects.on().select_for_update(of=("self",), skip_locked=True, no_key=True).order_by("pk")
    endpoints = {endpoint.pk: endpoint for endpoint in locked}
    new: list[Any] = list(Entry.objects.raw(_NEW, [list(endpoints), AT_ONCE]))
    wanted = [entry for entry in new if _wants(endpoints[entry.endpoint_id], entry)]
    campaigns = _campaigns(wanted)
    Delivery.objects.bulk_create(
        [
            payloads.delivery(
                endpoints[entry.endpoint_id],
                event=entry.action,
                data=_data(campaigns[_campaign_of(entry)], entry),
                at=entry.at,
                now=now,
                entry=entry,
            )
            for entry in wanted
            if _campaign_of(entry) in campaigns
        ],
        ignore_conflicts=True,
    )
    for entry in new:
        endpoints[entry.endpoint_id].seq = entry.seq
    Endpoint.objects.bulk_update([endpoints[pk] for pk in {entry.endpoint_id for entry in new}], ["seq"])


def _wants(endpoint: Endpoint, entry: Entry) -> bool:
    return entry.action in OF_CAMPAIGNS | OF_EXPORTS and entry.action in endpoint.events


def _campaign_of(entry: Entry) -> int:
    return int(entry.after["campaign"] if entry.action in OF_EXPORTS else entry.subject_id)


def _data(campaign: Campaign, entry: Entry) -> dict[str, Any]:
    return (payloads.of_export if entry.action in OF_EXPORTS else payloads.of_campaign)(campaign, entry)


def _campaigns(entries: Sequence[Any]) -> dict[int, Campaign]:
    """Test sends are nobody's campaigns."""
    return Campaign.objects.without_trials().in_bulk({_campaign_of(entry) for entry in entries})
