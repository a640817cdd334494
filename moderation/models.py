"""The staff's judgement: decisions, each a row that nobody can change; who reads what; what they say and look for."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace
from campaigns.models import Campaign
from delivery.models import Incident
from moderation import terms
from moderation.querysets import ClaimQuerySet, DecisionQuerySet, NoteQuerySet, OwnQuerySet
from senders.models import Revision


class Verdict(models.TextChoices):
    VOTED = "voted", _("Approved, as the first of two")
    APPROVED = "approved", _("Approved")
    REJECTED = "rejected", _("Rejected")
    RESCHEDULED = "rescheduled", _("Approved for another time")
    SENT_NOW = "sent_now", _("Approved to be sent now")


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
    wants_two = models.BooleanField(
        default=False, db_default=False, help_text="Whether so many recipients needed two moderators at the time."
    )
    is_self_review = models.BooleanField(
        default=False, db_default=False, help_text="Whoever wrote or last edited it decided: the database says so."
    )

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


ABOUT_ONE = Q(campaign__isnull=False, revision=None) | Q(campaign=None, revision__isnull=False)


class Claim(models.Model):
    """Who reads what waits, until when: whoever else comes reads something else, or takes it over."""

    campaign = models.OneToOneField(Campaign, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    revision = models.OneToOneField(Revision, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    holder = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    since = models.DateTimeField()
    until = models.DateTimeField()

    objects = ClaimQuerySet.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(name="claim_about_one", condition=ABOUT_ONE)]

    def __str__(self) -> str:
        return f"{self.campaign or self.revision}: {self.holder}"


class Note(models.Model):
    """What moderators tell each other about a campaign or a revision. Its author does not see it."""

    campaign = models.ForeignKey(Campaign, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    revision = models.ForeignKey(Revision, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    text = models.TextField()

    objects = NoteQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="note_about_one", condition=ABOUT_ONE),
            models.CheckConstraint(name="note_says_something", condition=~Q(text="")),
        ]

    def __str__(self) -> str:
        return f"{self.campaign or self.revision}: {self.by}"


class Acknowledgement(models.Model):
    """Somebody has seen an incident, and it need not be shown as new any more."""

    incident = models.OneToOneField(Incident, primary_key=True, on_delete=models.CASCADE, related_name="+")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.incident}: {self.by}"


class About(models.TextChoices):
    CAMPAIGN = "campaign", _("Campaigns")
    REVISION = "revision", _("Sender revisions")


class CannedReason(models.Model):
    """A reason for a rejection that need not be typed again; without a workspace, for all of them."""

    workspace = models.ForeignKey(
        Workspace, null=True, blank=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("workspace")
    )
    about = models.CharField(_("for"), max_length=10, choices=About.choices, default=About.CAMPAIGN)
    language = models.CharField(
        _("language"), max_length=10, choices=settings.LANGUAGES, help_text=_("Moderators see those of their language.")
    )
    text = models.TextField(_("text"), max_length=500, help_text=_("The author reads this."))

    objects = OwnQuerySet.as_manager()

    class Meta:
        verbose_name = _("canned reason")
        verbose_name_plural = _("canned reasons")
        constraints = [
            models.CheckConstraint(name="cannedreason_known_about", condition=Q(about__in=About.values)),
            models.CheckConstraint(name="cannedreason_says_something", condition=~Q(text="")),
        ]

    def __str__(self) -> str:
        return self.text


class BlockedTerm(models.Model):
    """What a text of the workspace, or of anybody, must not say without a moderator being warned of it."""

    workspace = models.ForeignKey(
        Workspace, null=True, blank=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("workspace")
    )
    term = models.CharField(
        _("term"),
        max_length=80,
        help_text=_(
            "A word or several. Found in any case, with look-alike letters, and with blanks or signs between its"
            " letters. A star at its end or beginning stands for whatever goes on there: casino* finds casinos."
        ),
    )
    why = models.CharField(_("why"), max_length=200, blank=True, help_text=_("Moderators read this with the warning."))

    objects = OwnQuerySet.as_manager()

    class Meta:
        verbose_name = _("blocked term")
        verbose_name_plural = _("blocked terms")
        constraints = [
            models.UniqueConstraint(
                name="blockedterm_once",
                fields=["workspace", "term"],
                nulls_distinct=False,
                violation_error_message=_("This term is there already."),
            )
        ]

    def __str__(self) -> str:
        return self.term

    def clean(self) -> None:
        if not terms.is_findable(self.term):
            raise ValidationError({"term": _("There is no letter or digit to find it by.")})


class RevisionInReview(Revision):
    """The moderators' other queue: sender revisions that wait for their decision."""

    class Meta:
        proxy = True
        verbose_name = _("sender revision to judge")
        verbose_name_plural = _("sender revisions to judge")


class CampaignInReview(Campaign):
    """The moderators' queue in the admin: its own page, its own permission."""

    class Meta:
        proxy = True
        verbose_name = _("campaign to judge")
        verbose_name_plural = _("campaigns to judge")
