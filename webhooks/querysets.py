"""Which endpoints and deliveries."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

from django.apps import apps
from django.db import models, transaction
from django.db.models import Exists, F, OuterRef, Q

from webhooks.statuses import DeliveryState, Disabled

if TYPE_CHECKING:
    from accounts.models import Workspace
    from webhooks.models import Delivery, Endpoint

LEASE = timedelta(seconds=20)  # longer than one attempt may take; with each it begins anew


class EndpointQuerySet(models.QuerySet["Endpoint"]):
    def of(self, workspace: "Workspace") -> Self:
        return self.filter(workspace=workspace, deleted_at=None)

    def lock(self, pk: int) -> "Endpoint":
        return self.select_for_update(of=("self",), no_key=True).get(pk=pk, deleted_at=None)

    def on(self) -> Self:
        return self.filter(disabled=Disabled.NO, deleted_at=None)

    def ready(self, now: datetime) -> Self:
        """On, and not left alone because nobody answered."""
        return self.on().filter(Q(rests_until=None) | Q(rests_until__lte=now))

    def free(self, now: datetime) -> Self:
        """Nobody is sending to them."""
        return self.filter(Q(claimed_until=None) | Q(claimed_until__lt=now))

    def due(self, now: datetime) -> Self:
        waiting = apps.get_model("webhooks", "Delivery").objects.due(now).filter(endpoint=OuterRef("pk"))
        return self.ready(now).free(now).filter(Exists(waiting))

    def in_turn(self) -> Self:
        """Who was sent to longest ago first."""
        return self.order_by(F("served_at").asc(nulls_first=True), "pk")

    @transaction.atomic
    def claim(self, pk: int, *, now: datetime) -> bool:
        """Whether it is mine to send to, for a while. Of two that ask at once, one finds the row locked, or taken."""
        mine = self.ready(now).free(now).filter(pk=pk).select_for_update(skip_locked=True, no_key=True)
        return bool(self.filter(pk__in=mine.values("pk")).update(claimed_until=now + LEASE))


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def of(self, workspace: "Workspace") -> Self:
        return self.filter(workspace=workspace)

    def pending(self) -> Self:
        return self.filter(state=DeliveryState.PENDING)

    def due(self, now: datetime) -> Self:
        return self.pending().filter(next_at__lte=now)

    def for_a_list(self) -> Self:
        """Without what they say: one of a thousand messages has a hundred kilobytes."""
        return self.defer("payload")

    @transaction.atomic
    def drop(self) -> None:
        """With their attempts, and without reading any of it."""
        apps.get_model("webhooks", "Attempt").objects.filter(delivery__in=self.values("pk")).delete()
        self.delete()
