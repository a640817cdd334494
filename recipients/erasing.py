"""What a list does not need any more leaves object storage: after the commit, and by the sweep if that was missed.

The uploaded file is needed while the list is prepared, its chunks while it is ready.
"""

from datetime import datetime

from django.core.files.storage import default_storage
from django.db.models import Q

from objects.store import store
from recipients import preparation, tasks
from recipients.models import RecipientList
from recipients.statuses import Status

RESULTS = ("manifest_key", "rejected_key", "duplicates_key")


def erase(list_id: int, *, now: datetime) -> None:
    """Twice does no harm."""
    # Before the row is read: once that says that nobody prepares the list, none of these is of a try yet to come.
    folders = preparation.folders_of(list_id)
    listed = RecipientList.objects.get(pk=list_id)
    if listed.status == Status.PREPARING:
        return
    if listed.upload_key:
        default_storage.delete(listed.upload_key)
    if listed.status != Status.READY:
        for folder in folders:
            store.delete_folder(f"{folder}/")
    _note_erased(listed, now=now)


def ring_for_leftovers(*, now: datetime) -> None:
    for list_id in RecipientList.objects.with_leftovers(now).order_by("pk").values_list("pk", flat=True):
        tasks.erase.delay(list_id)


def _note_erased(listed: RecipientList, *, now: datetime) -> None:
    """Unless the row has moved on meanwhile: then the next look sees what there is to do.

    A worker may write until its lease is over; while that runs, the sweep comes back once more.
    """
    gone: dict[str, str | None] = {"upload_key": ""}
    if listed.status != Status.READY:
        gone |= dict.fromkeys(RESULTS, "")
    rows = RecipientList.objects.filter(pk=listed.pk, status=listed.status, upload_key=listed.upload_key)
    rows.update(**gone)
    rows = RecipientList.objects.filter(pk=listed.pk, status=listed.status, upload_key="")
    rows.filter(Q(lease_until__lt=now)).update(lease_until=None)
