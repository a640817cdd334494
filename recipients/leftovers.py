"""Objects of lists that no row names: of uploads that broke off, tries that were killed, lists that are gone."""

from collections.abc import Collection
from datetime import datetime, timedelta

from objects.store import store
from recipients.models import RecipientList, SuppressionImport, Upload
from recipients.statuses import Status

# Longer than anything that is under way stays without a row, or without another part.
KEPT = timedelta(days=2)


def sweep(*, now: datetime) -> None:
    """Delete what is older than a day and what nobody names; one question to the database for a page of keys."""
    before = now - KEPT
    for prefix, named in (("uploads/", _named_uploads), ("lists/", _named_in_lists)):
        store.abandon_uploads(prefix, before=before)
        for page in store.pages(prefix):
            old = {found.key for found in page if found.modified_at < before}
            store.delete_many(old - named(old))


def _named_uploads(keys: Collection[str]) -> set[str]:
    """The files of lists and imports, and what has come of a file; its tails have its key and an ending."""
    whole = {
        key
        for of in (RecipientList.objects, SuppressionImport.objects)
        for key in of.filter(upload_key__in=keys).values_list("upload_key", flat=True)
    }
    begun = {key.partition(".")[0] for key in keys}
    coming = set(Upload.objects.filter(key__in=begun).values_list("key", flat=True))
    return whole | {key for key in keys if key.partition(".")[0] in coming}


def _named_in_lists(keys: Collection[str]) -> set[str]:
    """Those beside a manifest that a list names, and all of a list that is being prepared: lists/<id>/<try>/<name>."""
    rows = RecipientList.objects.filter(pk__in={_list_of(key) for key in keys})
    prepared, folders = set(), set()
    for pk, status, manifest_key in rows.values_list("pk", "status", "manifest_key"):
        folders.add(_folder_of(manifest_key))
        if status == Status.PREPARING:
            prepared.add(pk)
    return {key for key in keys if _folder_of(key) in folders or _list_of(key) in prepared}


def _list_of(key: str) -> int:
    number = key.split("/")[1]
    return int(number) if number.isdecimal() else 0


def _folder_of(key: str) -> str:
    return key.rpartition("/")[0]
