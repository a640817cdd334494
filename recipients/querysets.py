"""Which lists, and which numbers that must not get anything."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Q

from recipients.statuses import ImportStatus, Status

if TYPE_CHECKING:
    from recipients.models import RecipientList, Suppression, SuppressionImport


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


class SuppressionQuerySet(models.QuerySet["Suppression"]):
    """`of(None)` is the list of the whole installation."""

    def of(self, workspace: Any) -> Self:
        return self.filter(workspace=workspace)

    def that_bind(self, workspace: Any) -> Self:
        """Its own and the installation's."""
        return self.filter(Q(workspace=workspace) | Q(workspace=None))

    def explained(self) -> Self:
        """With whatever says why and by whom."""
        return self.select_related("added_by", "imported__created_by")

    def lock(self, pk: int) -> "Suppression":
        return self.select_for_update(of=("self",)).explained().get(pk=pk)


class SuppressionImportQuerySet(models.QuerySet["SuppressionImport"]):
    """`of(None)` are those for the whole installation."""

    def of(self, workspace: Any) -> Self:
        return self.filter(workspace=workspace)

    def left_alone(self, now: datetime) -> Self:
        """To be done, but by nobody: the doorbell was lost, or the worker died and its lease ran out."""
        return self.filter(status=ImportStatus.IMPORTING).filter(Q(lease_until=None) | Q(lease_until__lt=now))

    def lock(self, pk: int) -> "SuppressionImport":
        return self.select_for_update(of=("self",), no_key=True).get(pk=pk)
