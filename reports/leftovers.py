"""Objects of exports and inquiries that no row names: of writers that were killed, or came too late."""

from datetime import datetime, timedelta

from objects.store import store
from reports.models import Export, Inquiry

OF = {"exports/": Export, "inquiries/": Inquiry}
KEPT = timedelta(days=1)  # longer than any export is written


def sweep(*, now: datetime) -> None:
    """Delete what is older than a day and what nobody names; one question to the database for a page of keys."""
    before = now - KEPT
    for prefix, model in OF.items():
        store.abandon_uploads(prefix, before=before)
        for page in store.pages(prefix):
            old = {found.key for found in page if found.modified_at < before}
            named = model._default_manager.filter(key__in=old).values_list("key", flat=True)
            store.delete_many(old - set(named))
