"""What to say, to whom, when."""

import uuid
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _
from simple_history.models import HistoricalRecords

from accounts.models import Workspace
from campaigns import placeholders
from campaigns.hours import Hours
from campaigns.placeholders import Template
from campaigns.querysets import CampaignQuerySet, SavedTextQuerySet
from campaigns.statuses import Mode, Status
from channels.models import Channel, Route
from recipients.masking import masked
from recipients.models import RecipientList
from senders.models import Revision, Sender

# What is written step by step may lack anything, also when it is given up.
UNFINISHED = (Status.DRAFT, Status.CANCELLED)


class Campaign(models.Model):
    """A text, a sender's approved revision, a list and a time.

    The content is immutable outside DRAFT (a trigger holds it); `round` counts the submissions to review, so that a
    decision is always about one exact content. `content_version` says how the content is read and sealed
    (docs/adr/0034).
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=120)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.DRAFT)

    # The content, which the seal covers.
    mode = models.CharField(max_length=20, choices=Mode.choices)
    text = models.TextField(blank=True)
    sender = models.ForeignKey(Sender, on_delete=models.PROTECT, related_name="+")
    revision = models.ForeignKey(Revision, on_delete=models.PROTECT, related_name="+")
    list = models.ForeignKey(RecipientList, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="+")
    send_at = models.DateTimeField(null=True, blank=True)
    date_from = models.DateTimeField(null=True, blank=True)
    date_to = models.DateTimeField(null=True, blank=True)
    not_after = models.DateTimeField(null=True, blank=True)
    # With a route, `channel` is the first of its channels: whoever wants one carrier has it there.
    route = models.ForeignKey(Route, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    daily_from = models.TimeField(null=True, blank=True)
    daily_to = models.TimeField(null=True, blank=True)
    daily_zone = models.CharField(
        max_length=64, blank=True, default="", db_default="", help_text="The workspace's when it was submitted."
    )
    parts_per_second = models.PositiveIntegerField(null=True, blank=True)
    content_version = models.PositiveSmallIntegerField(default=1, db_default=1)

    round = models.PositiveIntegerField(default=0)
    seal = models.CharField(max_length=64, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    edited_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    edited_at = models.DateTimeField(default=timezone.now)
    submitted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    submitted_at = models.DateTimeField(null=True, blank=True)
    approved_at = models.DateTimeField(null=True, blank=True)
    rejection_reason = models.TextField(blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    resumed_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True)
    stopped_because = models.TextField(blank=True, help_text="Why the system, or a person, paused or ended it.")
    # A test send of that campaign, to a few test phones: docs/adr/0052.
    trial_of = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    objects = CampaignQuerySet.as_manager()
    history = HistoricalRecords()

    class Meta:
        constraints = [
            models.CheckConstraint(name="campaign_known_status", condition=Q(status__in=Status.values)),
            models.CheckConstraint(name="campaign_known_mode", condition=Q(mode__in=Mode.values)),
            models.CheckConstraint(
                name="campaign_scheduled_has_its_minute",
                condition=Q(status__in=UNFINISHED) | ~Q(mode=Mode.SCHEDULED) | Q(send_at__isnull=False),
            ),
            models.CheckConstraint(
                name="campaign_spread_has_its_window",
                condition=Q(status__in=UNFINISHED)
                | ~Q(mode=Mode.SPREAD)
                | Q(date_from__isnull=False, date_to__isnull=False, date_from__lt=F("date_to")),
            ),
            models.CheckConstraint(
                name="campaign_daily_window_is_whole",
                condition=Q(daily_from=None, daily_to=None, daily_zone="")
                | Q(daily_from__isnull=False, daily_to__isnull=False)
                & ~Q(daily_from=F("daily_to"))
                & ~Q(daily_zone=""),
            ),
            models.CheckConstraint(
                name="campaign_limit_from_one", condition=Q(parts_per_second=None) | Q(parts_per_second__gte=1)
            ),
            models.CheckConstraint(
                name="campaign_version_says_it_all",
                condition=Q(content_version=2)
                | Q(content_version=1, route=None, daily_from=None, parts_per_second=None),
            ),
            models.CheckConstraint(
                name="campaign_beyond_draft_has_a_list",
                condition=Q(status__in=UNFINISHED) | Q(mode=Mode.TRIGGER) | Q(list__isnull=False),
            ),
            models.CheckConstraint(
                name="campaign_trigger_has_no_list",
                condition=~Q(mode=Mode.TRIGGER) | Q(list=None, content_version=2, trial_of=None),
            ),
            models.CheckConstraint(
                name="campaign_beyond_draft_has_a_text", condition=Q(status__in=UNFINISHED) | ~Q(text="")
            ),
            models.CheckConstraint(
                name="campaign_approved_is_sealed",
                condition=~Q(status__in=[Status.APPROVED, Status.MISSED, Status.SENDING, Status.PAUSED, Status.DONE])
                | ~Q(seal=""),
            ),
            models.CheckConstraint(
                name="campaign_trial_is_at_once_or_not_at_all",
                condition=Q(trial_of=None)
                | Q(
                    *(
                        Q(mode=Mode.ON_APPROVAL),
                        Q(send_at=None),
                        Q(date_from=None),
                        Q(date_to=None),
                        Q(daily_from=None),
                    ),
                    not_after__isnull=False,
                ),
            ),
        ]
        indexes = [
            models.Index(name="campaign_by_status", fields=["status", "id"]),
            models.Index(name="campaign_of_workspace", fields=["workspace", "-id"]),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def due_at(self) -> datetime | None:
        """When it starts, once approved; None while nobody has approved it."""
        return {Mode.SCHEDULED: self.send_at, Mode.SPREAD: self.date_from}.get(
            Mode(self.mode), self.send_at or self.approved_at
        )

    @property
    def template(self) -> Template:
        """The text with its placeholders. Before there were any, a brace was a brace."""
        return placeholders.literally(self.text) if self.content_version == 1 else placeholders.parse(self.text)

    @property
    def columns(self) -> tuple[str, ...]:
        """What is known of each recipient beside the number: those of the list; a trigger's text says what it needs."""
        if self.list is not None:
            return tuple(self.list.columns)
        return self.template.names if self.mode == Mode.TRIGGER else ()

    @property
    def hours(self) -> Hours:
        """When it may send: always, without a daily window."""
        return Hours(self.daily_from, self.daily_to, ZoneInfo(self.daily_zone or "UTC"))

    @property
    def daily_window(self) -> str:
        """As people read it; empty without one."""
        if self.daily_from is None or self.daily_to is None:
            return ""
        is_overnight = self.daily_to < self.daily_from
        said = _("%(from)s to %(to)s the next day, %(zone)s") if is_overnight else _("%(from)s to %(to)s, %(zone)s")
        return said % {"from": f"{self.daily_from:%H:%M}", "to": f"{self.daily_to:%H:%M}", "zone": self.daily_zone}

    @property
    def day(self) -> date:
        """The partition of its messages: the UTC day on which it started."""
        if self.started_at is None:
            raise ValueError(f"Campaign {self.pk} has not started.")
        return self.started_at.date()


class TrialNumber(models.Model):
    """Whom a test send goes to: recipient `place` of its list. A trigger takes only test phones of the workspace, only
    while its campaign is being made, and not more in a day than `most_a_day`, the installation's limit at the time."""

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    trial = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="+", db_index=False)
    place = models.PositiveSmallIntegerField()
    phone = models.BigIntegerField(help_text="E.164 digits.")
    at = models.DateTimeField(db_default=Now(), help_text="By the clock of the database.")
    most_a_day = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="trialnumber_once", fields=["trial", "place"]),
            models.UniqueConstraint(name="trialnumber_once_a_phone", fields=["trial", "phone"]),
            models.CheckConstraint(name="trialnumber_of_five", condition=Q(place__lt=5)),
        ]
        indexes = [models.Index(name="trialnumber_of_a_day", fields=["workspace", "at"])]

    def __str__(self) -> str:
        return masked(self.phone)


class SavedText(models.Model):
    """A text to begin campaigns with."""

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=120)
    text = models.TextField()
    kept_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    kept_at = models.DateTimeField(default=timezone.now)

    objects = SavedTextQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(name="savedtext_once_a_name", fields=["workspace", "name"])]

    def __str__(self) -> str:
        return self.name

    @property
    def template(self) -> Template:
        return placeholders.parse(self.text)
