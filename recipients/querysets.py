"""Which lists, and which numbers that must not get anything."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import F, Q

from recipients.statuses import AWAITING_FILE, ImportStatus, Status

if TYPE_CHECKING:
    from recipients.models import ErasedChunk, RecipientList, Suppression, SuppressionImport, TrialPhone, Upload


class RecipientListQuerySet(models.QuerySet["RecipientList"]):
    def of(self, workspace: Any) -> Self:
        """A deleted list is nobody's: its row stays for the ledger, and no page or program sees it. Neither do they see
        the few numbers of a test send as a list."""
        return self.filter(workspace=workspace, is_trial=False).exclude(status=Status.DELETED)

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

    def never_sent(self, before: datetime) -> Self:
        """Made before then, and nobody has begun to send the file."""
        return self.filter(status=Status.UPLOADING, created_at__lt=before, upload=None)

    def lock(self, pk: int) -> "RecipientList":
        return self.select_for_update(of=("self",), no_key=True).get(pk=pk)

    def lock_to_delete(self, pk: int) -> "RecipientList":
        # Not NO KEY: whoever inserts a row that points at the list waits for us.
        return self.select_for_update(of=("self",)).get(pk=pk)


class UploadQuerySet(models.QuerySet["Upload"]):
    def free(self, now: datetime) -> Self:
        """Nobody writes, or whoever did has not been heard of since."""
        return self.filter(Q(busy_until=None) | Q(busy_until__lt=now))

    def held(self, lease: str) -> Self:
        return self.filter(lease=lease)

    def expired(self, now: datetime) -> Self:
        return self.free(now).filter(expires_at__lt=now)

    def whole(self, now: datetime) -> Self:
        """Every byte is in, and whoever brought the last one did not get to its end."""
        return self.free(now).filter(offset=F("length"))

    def astray(self, now: datetime) -> Self:
        """The list got its file in another way, or is not wanted any more."""
        return self.free(now).exclude(list__status__in=AWAITING_FILE)


class ErasedChunkQuerySet(models.QuerySet["ErasedChunk"]):
    def newest(self, list_id: Any, numbers: Iterable[int] | None = None) -> "dict[int, ErasedChunk]":
        """By the chunk's number, what took its place last."""
        rows = self.filter(list=list_id) if numbers is None else self.filter(list=list_id, number__in=list(numbers))
        return {row.number: row for row in rows.order_by("pk")}


class SuppressionQuerySet(models.QuerySet["Suppression"]):
    """`of(None)` is the list of the whole installation."""

    def of(self, workspace: Any) -> Self:
        return self.filter(workspace=workspace)

    def that_bind(self, workspace: Any) -> Self:
        """Its own and the installation's."""
        return self.filter(Q(workspace=workspace) | Q(workspace=None))

    def listed(self, *, source: Collection[str] = (), added_after: datetime | None = None) -> Self:
        """From any of these sources, after this instant; where nothing is said, all of them."""
        rows = self.filter(source__in=source) if source else self
        return rows if added_after is None else rows.filter(added_at__gt=added_after)

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


class TrialPhoneQuerySet(models.QuerySet["TrialPhone"]):
    def of(self, workspace: Any) -> Self:
        return self.filter(workspace=workspace)

    def in_order(self) -> Self:
        return self.order_by("whose", "label", "pk")
