"""Which campaigns: the only place that says what waiting, due and late mean."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce

from campaigns.statuses import Mode, Status

if TYPE_CHECKING:
    from campaigns.models import Campaign, SavedText


class CampaignQuerySet(models.QuerySet["Campaign"]):
    def of(self, workspace: Any) -> Self:
        """Test sends are no campaigns: no list, total or address knows them."""
        return self.filter(workspace=workspace).without_trials()

    def within(self, workspaces: Any) -> Self:
        """For whoever looks at several workspaces at once."""
        return self.filter(workspace__in=workspaces).without_trials()

    def archived(self) -> Self:
        return self.exclude(archived_at=None)

    def without_trials(self) -> Self:
        return self.filter(trial_of=None)

    def trials_of(self, campaign: "Campaign") -> Self:
        return self.filter(trial_of=campaign)

    def lock(self, pk: int) -> "Campaign":
        # NO KEY: inserting messages that point at this row must not wait for us.
        return (
            self.select_for_update(of=("self",), no_key=True)
            .select_related("workspace", "sender", "revision", "list", "channel", "route")
            .get(pk=pk)
        )

    def lock_free(self, pks: Iterable[int]) -> Self:
        """Those of them that nobody else has locked."""
        return (
            self.select_for_update(of=("self",), no_key=True, skip_locked=True)
            .select_related("workspace", "sender", "revision", "list", "channel")
            .filter(pk__in=list(pks))
            .order_by("pk")
        )

    def live(self) -> Self:
        return self.filter(archived_at=None)

    def in_review(self) -> Self:
        return self.filter(status=Status.IN_REVIEW)

    def judged_in(self, workspaces: Any) -> Self:
        """What the moderators of these workspaces have on their desk."""
        return self.without_trials().filter(workspace__in=workspaces, status__in=[Status.IN_REVIEW, Status.MISSED])

    def due(self, now: datetime) -> Self:
        """Approved, and its time has come (or passed: the verb decides whether it is too late)."""
        return self.filter(status=Status.APPROVED).alias(begins_at=DUE_AT).filter(begins_at__lte=now)

    def past_deadline(self, now: datetime) -> Self:
        return self.filter(status__in=[Status.SENDING, Status.PAUSED], not_after__lte=now)

    def sending(self) -> Self:
        return self.filter(status=Status.SENDING)


# When an approved campaign starts: its minute, the start of its window, or its approval.
DUE_AT = models.Case(
    models.When(Q(mode=Mode.SCHEDULED), then=F("send_at")),
    models.When(Q(mode=Mode.SPREAD), then=F("date_from")),
    default=Coalesce(F("send_at"), F("approved_at")),
    output_field=models.DateTimeField(),
)


class SavedTextQuerySet(models.QuerySet["SavedText"]):
    def of(self, workspace: Any) -> Self:
        return self.filter(workspace=workspace)

    def lock(self, pk: int) -> "SavedText":
        return self.select_for_update(of=("self",), no_key=True).select_related("workspace").get(pk=pk)
