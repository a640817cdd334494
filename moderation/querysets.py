"""Which decisions, claims, notes, reasons and terms."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.db import models

from campaigns.models import Campaign
from senders.models import Revision

if TYPE_CHECKING:
    from moderation.models import Claim, Decision, Note


def about(subject: Campaign | Revision) -> dict[str, int]:
    """The column that points at it, as whatever is about either a campaign or a revision has it."""
    return {"revision_id" if isinstance(subject, Revision) else "campaign_id": subject.pk}


class DecisionQuerySet(models.QuerySet["Decision"]):
    def of(self, workspace: Any) -> Self:
        return self.filter(campaign__workspace=workspace)

    def about(self, campaign_id: int) -> Self:
        return self.filter(campaign_id=campaign_id).select_related("by").order_by("pk")


class ClaimQuerySet(models.QuerySet["Claim"]):
    def about(self, subject: Campaign | Revision) -> Self:
        return self.filter(**about(subject)).select_related("holder")

    def in_force(self, now: datetime) -> Self:
        return self.filter(until__gt=now)


class NoteQuerySet(models.QuerySet["Note"]):
    def about(self, subject: Campaign | Revision) -> Self:
        return self.filter(**about(subject)).select_related("by").order_by("pk")


class OwnQuerySet(models.QuerySet[Any]):
    """Of what belongs to a workspace, or to all of them."""

    def seen_by(self, workspaces: Any) -> Self:
        return self.filter(models.Q(workspace=None) | models.Q(workspace__in=workspaces))

    def for_workspace(self, workspace_id: int) -> Self:
        return self.seen_by([workspace_id])
