"""Objects of exports that no row names: of writers that were killed, or came too late."""

from datetime import datetime, timedelta

from objects.store import store
from reports.models import Export

PREFIX = "exports/"
KEPT = timedelta(days=1)  # longer than any export is written


def sweep(*, now: datetime) -> None:
    """Delete what is older than a day and what nobody names; one question to the database for a page of keys."""
    before = now - KEPT
    store.abandon_uploads(PREFIX, before=before)
    for page in store.pages(PREFIX):
        old = {found.key for found in page if found.modified_at < before}
        store.delete_many(old - set(Export.objects.filter(key__in=old).values_list("key", flat=True)))
