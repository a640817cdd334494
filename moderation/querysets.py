"""Which decisions."""

from typing import TYPE_CHECKING, Any, Self

from django.db import models

if TYPE_CHECKING:
    from moderation.models import Decision


class DecisionQuerySet(models.QuerySet["Decision"]):
    def of(self, workspace: Any) -> Self:
        return self.filter(campaign__workspace=workspace)

    def about(self, campaign_id: int) -> Self:
        return self.filter(campaign_id=campaign_id).select_related("by").order_by("pk")
