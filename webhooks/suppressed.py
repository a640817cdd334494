"""Who was suppressed and who is no more, read from the ledger for each endpoint, and told in batches.

It has a place of its own in the chain: after a large campaign there may be a hundred thousand, and whatever happens to
campaigns is told meanwhile (`happenings`). Whoever is slow hears later, by fewer and larger deliveries.
"""

import time
from datetime import datetime

from django.db import transaction

from audit.models import Entry
from webhooks import payloads
from webhooks.models import Delivery, Endpoint
from webhooks.statuses import CHANGES, IMPORTED, Event

MOST = 1000  # changes of a delivery
BACKLOG = 20  # deliveries that wait
TURN = 5.0  # seconds of a look: who is left waits for the next one, which begins with anybody


def look(*, now: datetime) -> None:
    began = time.monotonic()
    hearing = Endpoint.objects.on().filter(events__contains=[Event.SUPPRESSIONS])
    for endpoint_id in hearing.order_by("?").values_list("pk", flat=True):
        _tell(endpoint_id, now=now)
        if time.monotonic() - began >= TURN:
            return


@transaction.atomic
def _tell(endpoint_id: int, *, now: datetime) -> None:
    """As many deliveries as there is room for. The place and the deliveries are written together: each entry is told
    once, and the delivery bears the last of its own."""
    mine = Endpoint.objects.on().select_for_update(of=("self",), skip_locked=True, no_key=True)
    endpoint = mine.filter(pk=endpoint_id).first()
    if endpoint is None:  # somebody else is at it
        return
    began = endpoint.suppressed_seq
    chain = Entry.objects.filter(chain=endpoint.workspace_id)
    until = chain.order_by("-seq").values_list("seq", flat=True).first() or 0
    waiting = Delivery.objects.pending().filter(endpoint=endpoint, event=Event.SUPPRESSIONS).count()
    for _ in range(BACKLOG - waiting):
        new = chain.filter(action__in=[*CHANGES, IMPORTED], seq__gt=endpoint.suppressed_seq, seq__lte=until)
        entries = list(new.order_by("seq")[:MOST])
        if entries:
            _deliver(endpoint, entries, now=now)
        if len(entries) < MOST:
            endpoint.suppressed_seq = until
            break
        endpoint.suppressed_seq = entries[-1].seq
    if endpoint.suppressed_seq != began:
        endpoint.save(update_fields=["suppressed_seq"])


def _deliver(endpoint: Endpoint, entries: list[Entry], *, now: datetime) -> None:
    last, data = entries[-1], payloads.of_suppressions(entries)
    made = payloads.delivery(endpoint, event=Event.SUPPRESSIONS, data=data, at=last.at, now=now, entry=last)
    Delivery.objects.bulk_create([made], ignore_conflicts=True)
