"""The names messages come from: a sender, and the numbered revisions that carriers see."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from simple_history.models import HistoricalRecords

from accounts.models import Workspace
from senders.querysets import RevisionQuerySet, SenderQuerySet
from senders.statuses import RevisionStatus, SenderStatus


class Sender(models.Model):
    """A logical name. What is sent is its newest approved revision."""

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=80)
    status = models.CharField(max_length=20, choices=SenderStatus.choices, default=SenderStatus.DRAFT)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    objects = SenderQuerySet.as_manager()
    history = HistoricalRecords()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="sender_name_once", fields=["workspace", "name"], condition=~Q(status=SenderStatus.ARCHIVED)
            ),
            models.CheckConstraint(name="sender_known_status", condition=Q(status__in=SenderStatus.values)),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def current(self) -> "Revision | None":
        """The revision that new campaigns are bound to: the newest approved one."""
        return self.revisions.approved().order_by("-number").first()


class Revision(models.Model):
    """What carriers see. Immutable once submitted, but for the one decision on it."""

    sender = models.ForeignKey(Sender, on_delete=models.PROTECT, related_name="revisions")
    number = models.PositiveIntegerField()
    status = models.CharField(max_length=20, choices=RevisionStatus.choices, default=RevisionStatus.PENDING)
    saddr = models.CharField("source address", max_length=20)
    ton = models.PositiveSmallIntegerField("TON", help_text="Type of number, SMPP 3.4 §5.2.5.")
    npi = models.PositiveSmallIntegerField("NPI", help_text="Numbering plan indicator, SMPP 3.4 §5.2.6.")
    reason = models.TextField(blank=True)
    evidence = models.FileField(upload_to="evidence/", blank=True)
    submitted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    submitted_at = models.DateTimeField(default=timezone.now)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    decision_reason = models.TextField(blank=True)

    objects = RevisionQuerySet.as_manager()
    history = HistoricalRecords()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="revision_number_once", fields=["sender", "number"]),
            models.UniqueConstraint(
                name="revision_one_pending", fields=["sender"], condition=Q(status=RevisionStatus.PENDING)
            ),
            models.CheckConstraint(name="revision_known_status", condition=Q(status__in=RevisionStatus.values)),
            models.CheckConstraint(
                name="revision_decision_has_who_and_when",
                condition=Q(status=RevisionStatus.PENDING) | Q(decided_by__isnull=False, decided_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sender} r{self.number} ({self.saddr})"

    @property
    def workspace_id(self) -> int:
        return self.sender.workspace_id
