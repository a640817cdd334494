"""Which exports, and which counts."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, ExpressionWrapper, F, OuterRef, Q

from recipients.models import ErasedChunk
from recipients.statuses import Status as ListStatus
from reports.statuses import UNFINISHED, ErasureStatus, Status

if TYPE_CHECKING:
    from reports.models import DayCount, Erasure, Export, Inquiry, StandingExport


class ExportQuerySet(models.QuerySet["Export"]):
    def of(self, workspace: Any) -> Self:
        return self.filter(workspace=workspace).select_related("workspace")

    def left_alone(self, now: datetime) -> Self:
        """Wanted, but nobody is at it: the doorbell was lost, or the worker died and its lease ran out."""
        return self.filter(status__in=UNFINISHED).filter(Q(lease_until=None) | Q(lease_until__lt=now))

    def kept_too_long(self, now: datetime) -> Self:
        return self.filter(_kept_too_long(now), status=Status.READY)

    def since_erased(self, read_within: timedelta) -> Self:
        """Asked for before somebody was erased from the list of their campaign, or that list is not there any more."""
        erased = ErasedChunk.objects.filter(
            list=OuterRef("campaign__list"), at__gte=OuterRef("requested_at") - read_within
        )
        return self.filter(Exists(erased) | ~Q(campaign__list__status=ListStatus.READY))

    def lock(self, pk: int) -> "Export":
        return self.select_for_update(of=("self",), no_key=True).select_related("campaign").get(pk=pk)


class StandingExportQuerySet(models.QuerySet["StandingExport"]):
    def of(self, workspace: Any) -> Self:
        return self.filter(workspace=workspace, ended_at=None).select_related("workspace", "created_by")

    def due(self, now: datetime) -> Self:
        """To be looked at: those of campaigns always are."""
        return self.filter(ended_at=None).filter(Q(next_at=None) | Q(next_at__lte=now))

    def claim(self, pk: int) -> "StandingExport | None":
        """None when somebody else is at it, or it is not one of these any more."""
        locked = self.select_for_update(of=("self",), skip_locked=True, no_key=True)
        return locked.select_related("workspace", "created_by").filter(pk=pk).first()

    def lock(self, pk: int) -> "StandingExport":
        return self.select_for_update(of=("self",), no_key=True).select_related("workspace").get(pk=pk)


class ErasureQuerySet(models.QuerySet["Erasure"]):
    def of(self, workspace: Any) -> Self:
        return self.filter(workspace=workspace).select_related("workspace", "asked_by")

    def due(self, now: datetime) -> Self:
        """To be looked at, and nobody is at it: the doorbell was lost, the worker died, or its time has come."""
        return (
            self.exclude(status=ErasureStatus.DONE)
            .filter(look_at__lte=now)
            .filter(Q(lease_until=None) | Q(lease_until__lt=now))
        )

    def lock(self, pk: int) -> "Erasure":
        return self.select_for_update(of=("self",), no_key=True).select_related("workspace").get(pk=pk)


class InquiryQuerySet(models.QuerySet["Inquiry"]):
    def of(self, workspace: Any) -> Self:
        return self.filter(workspace=workspace).select_related("workspace", "asked_by")

    def left_alone(self, now: datetime) -> Self:
        return self.filter(status__in=UNFINISHED).filter(Q(lease_until=None) | Q(lease_until__lt=now))

    def kept_too_long(self, now: datetime) -> Self:
        return self.filter(_kept_too_long(now), status=Status.READY)

    def lock(self, pk: int) -> "Inquiry":
        return self.select_for_update(of=("self",), no_key=True).select_related("workspace").get(pk=pk)


class DayCountQuerySet(models.QuerySet["DayCount"]):
    def of(self, workspace: Any) -> Self:
        return self.filter(workspace=workspace)


def _kept_too_long(now: datetime) -> Q:
    """Files that leave the house are kept as long as the workspace says."""
    days = F("workspace__exports_kept_days")
    own = Q(ready_at__lt=now - ExpressionWrapper(days * timedelta(days=1), output_field=models.DurationField()))
    return own | Q(workspace__exports_kept_days=None, ready_at__lt=now - settings.EXPORT_KEPT)
