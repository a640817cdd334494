"""What happened to campaigns and exports, read from the ledger for each endpoint: as notices are (docs/adr/0043)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from audit.models import Entry
from campaigns.models import Campaign
from webhooks import payloads
from webhooks.models import Delivery, Endpoint
from webhooks.statuses import OF_CAMPAIGNS, OF_EXPORTS

STRETCH = 10_000  # entries that are gone through for an endpoint in a look

_PLACES = """
SELECT id, until FROM webhooks_endpoint w
CROSS JOIN LATERAL (
    SELECT least(w.seq + %(stretch)s, coalesce(max(e.seq), 0)) AS until
    FROM audit_entry e WHERE e.chain = w.workspace_id
) place
WHERE id = ANY(%(endpoints)s) AND until > seq
"""
# Those of a large campaign's opt-outs, which may be a hundred thousand, are stepped over here.
_NEW = """
SELECT w.id AS endpoint_id, e.* FROM unnest(%(endpoints)s::bigint[], %(until)s::bigint[]) AS place (id, until)
JOIN webhooks_endpoint w ON w.id = place.id
JOIN audit_entry e ON e.chain = w.workspace_id AND e.seq > w.seq AND e.seq <= place.until
WHERE e.action = ANY(w.events) ORDER BY w.id, e.seq
"""


@transaction.atomic
def look(*, now: datetime) -> None:
    """A delivery for each new entry that an endpoint wants. Within a chain `seq` has no gap and commits in its order;
    the place and the deliveries are written together, so that each entry is told once."""
    locked = Endpoint.objects.on().select_for_update(of=("self",), skip_locked=True, no_key=True).order_by("pk")
    endpoints = {endpoint.pk: endpoint for endpoint in locked}
    places = _places(list(endpoints))
    new: list[Any] = list(Entry.objects.raw(_NEW, {"endpoints": list(places), "until": list(places.values())}))
    wanted = [entry for entry in new if entry.action in OF_CAMPAIGNS | OF_EXPORTS]
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
    for pk, until in places.items():
        endpoints[pk].seq = until
    Endpoint.objects.bulk_update([endpoints[pk] for pk in places], ["seq"])


def _places(endpoints: list[int]) -> dict[int, int]:
    """Where each will be after this look, of those of which there is anything new. Said first: what is committed after
    it is left to the next one."""
    with connection.cursor() as cursor:
        cursor.execute(_PLACES, {"endpoints": endpoints, "stretch": STRETCH})
        return dict(cursor.fetchall())


def _campaign_of(entry: Entry) -> int:
    return int(entry.after["campaign"] if entry.action in OF_EXPORTS else entry.subject_id)


def _data(campaign: Campaign, entry: Entry) -> dict[str, Any]:
    return (payloads.of_export if entry.action in OF_EXPORTS else payloads.of_campaign)(campaign, entry)


def _campaigns(entries: Sequence[Any]) -> dict[int, Campaign]:
    """Test sends are nobody's campaigns."""
    return Campaign.objects.without_trials().in_bulk({_campaign_of(entry) for entry in entries})
