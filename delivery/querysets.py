"""Which chunks, pushed messages, halts and inbound messages."""

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.apps import apps
from django.conf import settings
from django.db import models
from django.db.models import Exists, F, Q

from campaigns.statuses import FINISHED, Status
from delivery.statuses import ChunkStatus

if TYPE_CHECKING:
    from delivery.models import Chunk, Halt, Inbound, Push


UNFINISHED = (ChunkStatus.OPEN, ChunkStatus.QUARANTINED, ChunkStatus.FROZEN)


OWNED = ~Q(owner="")


class ChunkQuerySet(models.QuerySet["Chunk"]):
    def open(self) -> Self:
        return self.filter(status=ChunkStatus.OPEN)

    def lock(self, pk: int) -> "Chunk":
        # NO KEY: intents that point at this row must not wait for us.
        return self.select_for_update(of=("self",), no_key=True).select_related("campaign").get(pk=pk)

    def frozen(self) -> Self:
        return self.filter(status=ChunkStatus.FROZEN)

    def quarantined(self) -> Self:
        return self.filter(status=ChunkStatus.QUARANTINED)

    def kept_back(self) -> Self:
        """Until somebody has looked at them."""
        return self.filter(status__in=[ChunkStatus.QUARANTINED, ChunkStatus.FROZEN])

    def in_doubt_after_restore(self) -> Self:
        """What may have been sent from since the point to which the database was restored."""
        return self.filter(status__in=UNFINISHED).exclude(campaign__status__in=FINISHED)

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
        """Of a list, not rung for lately, and with something to do."""
        return self._with_work(now).exclude(key="").filter(~_lately(now) | Q(rung_at__lt=F("released_at")))

    def to_attend(self, now: datetime) -> Self:
        """Of pushed messages, with something to do: whoever waits longest is first."""
        return self._with_work(now).filter(key="").order_by(F("released_at").asc(nulls_first=True), "pk")

    def _with_work(self, now: datetime) -> Self:
        """Open, of a campaign that is sending, nobody's, and with something to do by now. None while a halt is in
        force: a look that may not send would only be followed by another."""
        return (
            self.open()
            .unowned(now)
            .filter(~_halted(), campaign__status=Status.SENDING)
            .filter(Q(away_until=None) | Q(away_until__lte=now))
            .filter(
                Q(next__lt=F("count"), plan_from=None)
                | Q(next__lt=F("count"), plan_from__lte=now)
                | Q(unresolved__gt=0, retry_at__lte=now)
                | Q(intended__gt=F("next"))
            )
        )

    def to_settle(self, now: datetime, *, closed: Collection[int] = ()) -> Self:
        """Open, of a campaign that is paused, kept by a halt, or one of those in their closed hours, nobody's, and with
        answers that nobody will hear any more: they must not wait to be in doubt until it goes on. Whoever waits
        longest is first."""
        return (
            self.open()
            .unowned(now)
            .filter(
                Q(campaign__status=Status.PAUSED)
                | Q(_halted(), campaign__status=Status.SENDING)
                | Q(campaign__in=closed)
            )
            .filter(~_lately(now))
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
        return _lately(now) & (Q(released_at=None) | Q(rung_at__gte=F("released_at")))

    def left_behind(self, now: datetime) -> Self:
        """Chunks of campaigns that ended before they did, with nobody at work on them."""
        kept = [ChunkStatus.OPEN, ChunkStatus.QUARANTINED]
        return self.unowned(now).filter(status__in=kept, campaign__status__in=FINISHED)


class PushQuerySet(models.QuerySet["Push"]):
    def within(self, first: int, end: int) -> Self:
        """In the order in which they were accepted."""
        return self.filter(recipient__gte=first, recipient__lt=end).order_by("recipient")


class HaltQuerySet(models.QuerySet["Halt"]):
    def in_force(self) -> Self:
        return self.filter(released_at=None)


class InboundQuerySet(models.QuerySet["Inbound"]):
    def of(self, workspace: Any) -> Self:
        return self.filter(workspace=workspace)


def _halted() -> Exists:
    return Exists(apps.get_model("delivery", "Halt").objects.in_force())


def _lately(now: datetime) -> Q:
    """Rung for a moment ago. A bell of the future was rung by a process whose clock is wrong: nobody waits for it."""
    return Q(rung_at__range=(now - settings.RING_AGAIN, now + settings.RING_AGAIN))
