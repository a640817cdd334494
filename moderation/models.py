"""The staff's judgement: decisions, each a row that nobody can change."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from campaigns.models import Campaign
from moderation.querysets import DecisionQuerySet
from senders.models import Revision


class Verdict(models.TextChoices):
    APPROVED = "approved", "Approved"
    REJECTED = "rejected", "Rejected"
    RESCHEDULED = "rescheduled", "Approved for another time"
    SENT_NOW = "sent_now", "Approved to be sent now"


class Decision(models.Model):
    """Who judged which content when, and why. `content` is what the seal was computed over."""

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="+")
    round = models.PositiveIntegerField()
    verdict = models.CharField(max_length=20, choices=Verdict.choices)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    reason = models.TextField(blank=True)
    seal = models.CharField(max_length=64)
    content = models.JSONField()
    four_eyes = models.BooleanField(help_text="Whether the workspace asked for a second person at the time.")

    objects = DecisionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="decision_known_verdict", condition=Q(verdict__in=Verdict.values)),
            models.CheckConstraint(
                name="decision_rejection_has_a_reason", condition=~Q(verdict=Verdict.REJECTED) | ~Q(reason="")
            ),
            models.UniqueConstraint(
                name="decision_once_a_round",
                fields=["campaign", "round"],
                condition=Q(verdict__in=[Verdict.APPROVED, Verdict.REJECTED]),
            ),
        ]
        indexes = [models.Index(name="decision_by_campaign", fields=["campaign", "id"])]

    def __str__(self) -> str:
        return f"{self.campaign} {self.get_verdict_display().lower()}"


class RevisionInReview(Revision):
    """The moderators' other queue: sender revisions that wait for their decision."""

    class Meta:
        proxy = True
        verbose_name = "sender revision to judge"
        verbose_name_plural = "sender revisions to judge"


class CampaignInReview(Campaign):
    """The moderators' queue in the admin: its own page, its own permission."""

    class Meta:
        proxy = True
        verbose_name = "campaign to judge"
        verbose_name_plural = "campaigns to judge"
