"""Which channels, and which routes."""

from typing import TYPE_CHECKING, Self

from django.db import models

if TYPE_CHECKING:
    from channels.models import Channel, Route


class ChannelQuerySet(models.QuerySet["Channel"]):
    def active(self) -> Self:
        return self.filter(is_active=True)

    def default(self) -> "Channel | None":
        return self.active().order_by("-is_default", "pk").first()


class RouteQuerySet(models.QuerySet["Route"]):
    def active(self) -> Self:
        return self.filter(is_active=True)

    def with_members(self) -> Self:
        return self.prefetch_related("members__channel")
