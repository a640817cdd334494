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
        return self.filter(workspace=workspace)

    def ready(self) -> Self:
        return self.filter(status=Status.READY)

    def left_alone(self, now: datetime) -> Self:
        """Being prepared, but by nobody: the doorbell was lost, or the worker died and its lease ran out."""
        return self.filter(status=Status.PREPARING).filter(Q(lease_until=None) | Q(lease_until__lt=now))

    def lock(self, pk: int) -> "RecipientList":
        return self.select_for_update(of=("self",), no_key=True).get(pk=pk)
