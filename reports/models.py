"""What happened, to take away: exports. And what is taken away from all of it: erasures of a number."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace
from accounts.roles import Permission
from campaigns.models import Campaign
from channels.models import Channel
from delivery.statuses import ErrorKind, MessageState
from reports.querysets import (
    DayCountQuerySet,
    ErasureQuerySet,
    ExportQuerySet,
    InquiryQuerySet,
    StandingExportQuerySet,
)
from reports.statuses import UNFINISHED, ErasureStatus, Place, Status
from senders.models import Sender


class Format(models.TextChoices):
    CSV = "csv", "CSV"
    CSV_GZ = "csv.gz", "CSV, gzip"
    PARQUET = "parquet", "Parquet"
    EVIDENCE = "evidence", _("Signed evidence, without numbers")


class Numbers(models.TextChoices):
    MASKED = "masked", _("Numbers masked")
    WHOLE = "whole", _("Whole numbers")


TABLES = (Format.CSV, Format.CSV_GZ, Format.PARQUET)


def needed(format: str, numbers: str) -> Permission:
    """Tables are for every member, whole numbers in them for those who may see numbers; evidence leaves the house, and
    is for those who answer for what was sent."""
    if format == Format.EVIDENCE:
        return Permission.PROVE
    return Permission.SEE_NUMBERS if numbers == Numbers.WHOLE else Permission.VIEW


class StandingExport(models.Model):
    """Exports that are asked for by themselves (`standing`), in the name of whoever made it."""

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+")
    format = models.CharField(max_length=10, choices=Format.choices, default=Format.CSV)
    columns = models.JSONField(default=list, blank=True, help_text="As of an export.")
    numbers = models.CharField(
        max_length=10, choices=Numbers.choices, default=Numbers.MASKED, db_default=Numbers.MASKED
    )
    hours_after_end = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Of each campaign, so long after its end: receipts go on arriving."
    )
    daily_at = models.TimeField(
        null=True,
        blank=True,
        help_text="Of every campaign that was under way in the day before, in the workspace's zone.",
    )
    next_at = models.DateTimeField(null=True, blank=True, help_text="Of a daily one.")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = StandingExportQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="standingexport_has_one_time",
                condition=Q(daily_at=None, next_at=None, hours_after_end__isnull=False)
                | Q(daily_at__isnull=False, next_at__isnull=False, hours_after_end=None),
            ),
        ]

    def __str__(self) -> str:
        time = self.daily_at.isoformat("minutes") if self.daily_at else f"{self.hours_after_end} h"
        return f"{self.format}, {time}"


class Export(models.Model):
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+")
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="+")
    format = models.CharField(max_length=10, choices=Format.choices, default=Format.CSV)
    columns = models.JSONField(default=list, blank=True, help_text="In their order; none are all of the report.")
    # Those of before there was a choice, and of a process of before it, are whole.
    numbers = models.CharField(max_length=10, choices=Numbers.choices, default=Numbers.MASKED, db_default=Numbers.WHOLE)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.QUEUED)
    key = models.CharField(max_length=200, blank=True)
    rows = models.BigIntegerField(default=0, help_text="While it is written: so many by now.")
    bytes = models.BigIntegerField(default=0)
    totals = models.JSONField(default=dict, help_text="The equation at the instant that the file shows.")
    failure = models.TextField(blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField(default=timezone.now)
    standing = models.ForeignKey(
        StandingExport,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="What asked for it.",
    )
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
    def needs(self) -> Permission:
        return needed(self.format, self.numbers)

    @property
    def percent(self) -> int:
        """How much of the list is written."""
        listed = self.campaign.list
        return 100 * self.rows // listed.accepted if listed and listed.accepted else 0


class Erasure(models.Model):
    """One number that leaves every store of a workspace (docs/adr/0067). `sealed` is the number, under a key that the
    database has not got, as long as something may still bring it back; of a done one nobody knows it any more."""

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=20, choices=ErasureStatus.choices, default=ErasureStatus.RUNNING)
    reason = models.CharField(max_length=500)
    known_as = models.CharField(max_length=12, help_text="The first digits of its keyed hash, as in the ledger.")
    sealed = models.TextField(blank=True)
    looks = models.PositiveIntegerField(default=0, help_text="Times that every store was gone through.")
    look_at = models.DateTimeField(help_text="When it is looked at next.")
    waits_until = models.DateTimeField(
        null=True, blank=True, help_text="By then no receipt comes any more that names the number."
    )
    lease_until = models.DateTimeField(null=True, blank=True)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    asked_at = models.DateTimeField(default=timezone.now)
    done_at = models.DateTimeField(null=True, blank=True)

    objects = ErasureQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="erasure_known_status", condition=Q(status__in=ErasureStatus.values)),
            models.CheckConstraint(
                name="erasure_done_knows_no_number", condition=~Q(status=ErasureStatus.DONE) | Q(sealed="")
            ),
            models.UniqueConstraint(
                name="erasure_once_at_a_time",
                fields=["workspace", "known_as"],
                condition=~Q(status=ErasureStatus.DONE),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.known_as}…"


class ErasureStep(models.Model):
    """What was found in one place, over all looks. `look` is the one that it is through with; in the one after it, it
    has come to `at`."""

    erasure = models.ForeignKey(Erasure, on_delete=models.CASCADE, related_name="steps")
    place = models.CharField(max_length=20, choices=Place.choices)
    found = models.BigIntegerField(default=0, help_text="Copies that were erased.")
    awaited = models.BigIntegerField(default=0, help_text="What may still come, at the last look.")
    unread = models.BigIntegerField(default=0, help_text="Objects that could not be read, at the last look.")
    look = models.PositiveIntegerField(default=0)
    at = models.BigIntegerField(default=0, help_text="Of what is gone through one by one: the last that is done.")

    class Meta:
        constraints = [models.UniqueConstraint(name="erasurestep_once", fields=["erasure", "place"])]

    def __str__(self) -> str:
        return f"{self.place}: {self.found}"


class ReplicaMark(models.Model):
    """One row, of which a copy of the database has what was written last and has arrived (`reports.replica`)."""

    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.at.isoformat()


class DayCount(models.Model):
    """So many messages of a campaign that were handed over, or ended, on a day of the workspace's clock."""

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="+")
    sender = models.ForeignKey(Sender, on_delete=models.PROTECT, related_name="+", db_index=False)
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="+", db_index=False)
    day = models.DateField()
    state = models.SmallIntegerField(choices=MessageState.choices)
    error_kind = models.SmallIntegerField(choices=ErrorKind.choices, default=ErrorKind.NONE)
    error_code = models.IntegerField(null=True)
    messages = models.BigIntegerField()
    parts = models.BigIntegerField(help_text="That carriers took.")

    objects = DayCountQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(name="daycount_of_workspace", fields=["workspace", "day"])]

    def __str__(self) -> str:
        return f"{self.campaign_id}, {self.day}: {self.messages}"


class Inquiry(models.Model):
    """What somebody wants to know about one number. The number is here until it is answered, and in the answer's file;
    who reads the ledger or the list of inquiries knows it by its keyed hash."""

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+")
    phone = models.BigIntegerField(null=True, help_text="Until it is answered.")
    known_as = models.CharField(max_length=12, help_text="The first digits of its keyed hash, as in the ledger.")
    reason = models.CharField(max_length=500)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.QUEUED)
    percent = models.PositiveSmallIntegerField(default=0)
    key = models.CharField(max_length=200, blank=True)
    failure = models.TextField(blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    ready_at = models.DateTimeField(null=True, blank=True)

    objects = InquiryQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="inquiry_known_status", condition=Q(status__in=Status.values)),
            models.CheckConstraint(
                name="inquiry_forgets_the_number", condition=Q(status__in=UNFINISHED) | Q(phone__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.known_as}…"


class Counted(models.Model):
    """Of which totals the counts of a campaign are."""

    campaign = models.OneToOneField(Campaign, on_delete=models.PROTECT, primary_key=True, related_name="+")
    standing = models.CharField(max_length=32, help_text="MD5 of its totals by state and reason.")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.campaign_id} at {self.at}"
