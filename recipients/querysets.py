"""Which lists."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Q

from recipients.statuses import Status

if TYPE_CHECKING:
    from recipients.models import RecipientList


class RecipientListQuerySet(models.QuerySet["RecipientList"]):
    def of(self, workspace: Any) -> Self:
        """A deleted list is nobody's: its row stays for the ledger, and no page or program sees it."""
        return self.filter(workspace=workspace).exclude(status=Status.DELETED)

    def live(self) -> Self:
        return self.filter(archived_at=None)

    def archived(self) -> Self:
        return self.exclude(archived_at=None)

    def ready(self) -> Self:
        return self.filter(status=Status.READY)

    def usable(self) -> Self:
        """What a new campaign may be sent to."""
        return self.ready().live()

    def left_alone(self, now: datetime) -> Self:
        """Being prepared, but by nobody: the doorbell was lost, or the worker died and its lease ran out."""
        return self.filter(status=Status.PREPARING).filter(Q(lease_until=None) | Q(lease_until__lt=now))

    def with_leftovers(self, now: datetime) -> Self:
        """Something in object storage is not needed any more, or may be there because a worker never said goodbye."""
        leftovers = ~Q(upload_key="") | Q(lease_until__lt=now) | Q(status=Status.DELETED) & ~Q(manifest_key="")
        return self.exclude(status=Status.PREPARING).filter(leftovers)

    def lock(self, pk: int) -> "RecipientList":
        return self.select_for_update(of=("self",), no_key=True).get(pk=pk)

    def lock_to_delete(self, pk: int) -> "RecipientList":
        # Not NO KEY: whoever inserts a row that points at the list waits for us.
        return self.select_for_update(of=("self",)).get(pk=pk)
