"""Which lists."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import F, Q

from recipients.statuses import AWAITING_FILE, Status

if TYPE_CHECKING:
    from recipients.models import RecipientList, Upload


class RecipientListQuerySet(models.QuerySet["RecipientList"]):
    def of(self, workspace: Any) -> Self:
        return self.filter(workspace=workspace)

    def ready(self) -> Self:
        return self.filter(status=Status.READY)

    def left_alone(self, now: datetime) -> Self:
        """Being prepared, but by nobody: the doorbell was lost, or the worker died and its lease ran out."""
        return self.filter(status=Status.PREPARING).filter(Q(lease_until=None) | Q(lease_until__lt=now))

    def never_sent(self, before: datetime) -> Self:
        """Made before then, and nobody has begun to send the file."""
        return self.filter(status=Status.UPLOADING, created_at__lt=before, upload=None)

    def lock(self, pk: int) -> "RecipientList":
        return self.select_for_update(of=("self",), no_key=True).get(pk=pk)


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
