"""What happened, to take away: exports."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace
from campaigns.models import Campaign
from reports.querysets import ExportQuerySet
from reports.statuses import Status


class Format(models.TextChoices):
    CSV = "csv", "CSV"
    CSV_GZ = "csv.gz", "CSV, gzip"
    PARQUET = "parquet", "Parquet"
    EVIDENCE = "evidence", _("Signed evidence, without numbers")


TABLES = (Format.CSV, Format.CSV_GZ, Format.PARQUET)


class Export(models.Model):
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+")
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="+")
    format = models.CharField(max_length=10, choices=Format.choices, default=Format.CSV)
    columns = models.JSONField(default=list, blank=True, help_text="In their order; none are all of the report.")
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.QUEUED)
    key = models.CharField(max_length=200, blank=True)
    rows = models.BigIntegerField(default=0, help_text="While it is written: so many by now.")
    bytes = models.BigIntegerField(default=0)
    totals = models.JSONField(default=dict, help_text="The equation at the instant that the file shows.")
    failure = models.TextField(blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField(default=timezone.now)
    ready_at = models.DateTimeField(null=True, blank=True)

    objects = ExportQuerySet.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(name="export_known_status", condition=Q(status__in=Status.values))]

    def __str__(self) -> str:
        return f"{self.campaign} ({self.get_format_display()})"

    @property
    def kept_until(self) -> datetime | None:
        days = self.workspace.exports_kept_days
        return self.ready_at and self.ready_at + (timedelta(days=days) if days else settings.EXPORT_KEPT)

    @property
    def percent(self) -> int:
        """How much of the list is written."""
        listed = self.campaign.list
        return 100 * self.rows // listed.accepted if listed and listed.accepted else 0
