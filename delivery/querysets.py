"""Which chunks, messages and incidents."""

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from campaigns.statuses import FINISHED, Status
from delivery.statuses import ChunkStatus

if TYPE_CHECKING:
    from delivery.models import Chunk


OWNED = ~Q(owner="")


class ChunkQuerySet(models.QuerySet["Chunk"]):
    def open(self) -> Self:
        return self.filter(status=ChunkStatus.OPEN)

    def unowned(self, now: datetime) -> Self:
        return self.filter(Q(owner="") | Q(lease_until__lt=now))

    def claim(self, pk: int, worker: str, *, now: datetime) -> "Chunk | None":
        """Become the only owner of this chunk, in a new epoch; None when somebody else has it or it is not open."""
        moved = (
            self.filter(pk=pk)
            .open()
            .unowned(now)
            .update(owner=worker, epoch=F("epoch") + 1, lease_until=now + settings.CHUNK_LEASE)
        )
        return self.select_related("campaign").get(pk=pk) if moved else None

    def to_ring(self, now: datetime) -> Self:
        """Open, of a campaign that is sending, nobody's, not rung lately, and with something to do by now."""
        return (
            self.open()
            .unowned(now)
            .filter(campaign__status=Status.SENDING)
            .filter(Q(rung_at=None) | Q(rung_at__lt=now - settings.RING_AGAIN) | Q(rung_at__lt=F("released_at")))
            .filter(
                Q(next__lt=F("count"), plan_from=None)
                | Q(next__lt=F("count"), plan_from__lte=now)
                | Q(unresolved__gt=0, retry_at__lte=now)
                | Q(intended__gt=F("next"))
            )
        )

    def to_settle(self, now: datetime, *, closed: Collection[int] = ()) -> Self:
        """Open, of a campaign that is paused or one of those in their closed hours, nobody's, and with answers that
        nobody will hear any more: they must not wait to be in doubt until it goes on. Whoever waits longest is
        first."""
        return (
            self.open()
            .unowned(now)
            .filter(Q(campaign__status=Status.PAUSED) | Q(campaign__in=closed))
            .filter(Q(rung_at=None) | Q(rung_at__lt=now - settings.RING_AGAIN))
            .filter(Q(intended__gt=F("next")) | Q(unresolved__gt=0, retry_at__lte=now))
            .order_by(F("rung_at").asc(nulls_first=True), "pk")
        )

    def at_work(self, now: datetime) -> Self:
        """Somebody has it, or it was rung for and has not been taken yet."""
        return self.open().filter(OWNED & Q(lease_until__gte=now) | self._waiting(now))

    def owned(self, now: datetime) -> Self:
        return self.open().filter(OWNED, lease_until__gte=now)

    def waiting(self, now: datetime) -> Self:
        """Rung for lately and not taken yet."""
        return self.open().filter(self._waiting(now), owner="")

    @staticmethod
    def _waiting(now: datetime) -> Q:
        lately = Q(rung_at__gte=now - settings.RING_AGAIN)
        return lately & (Q(released_at=None) | Q(rung_at__gte=F("released_at")))

    def left_behind(self, now: datetime) -> Self:
        """Open chunks of campaigns that have ended, with nobody at work on them."""
        return self.open().unowned(now).filter(campaign__status__in=FINISHED)
