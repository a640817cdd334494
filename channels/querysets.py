"""Which channels."""

from typing import TYPE_CHECKING, Self

from django.db import models

if TYPE_CHECKING:
    from channels.models import Channel


class ChannelQuerySet(models.QuerySet["Channel"]):
    def active(self) -> Self:
        return self.filter(is_active=True)

    def default(self) -> "Channel | None":
        return self.active().order_by("-is_default", "pk").first()
