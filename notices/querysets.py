"""Which notices."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import F, Q

if TYPE_CHECKING:
    from notices.models import Notice

AGAIN = timedelta(minutes=5)  # after a try that nobody has heard of since
ATTEMPTS = 5
USEFUL = timedelta(days=1)  # then nobody wants to be told any more
KEPT = timedelta(days=30)


class NoticeQuerySet(models.QuerySet["Notice"]):
    def due(self, now: datetime) -> Self:
        rested = Q(tried_at=None) | Q(tried_at__lt=now - AGAIN)
        return self.filter(rested, sent_at=None, made_at__gt=now - USEFUL, attempts__lt=ATTEMPTS)

    def claim(self, pk: int, *, now: datetime) -> bool:
        """Whether this try is mine."""
        return bool(self.due(now).filter(pk=pk).update(tried_at=now, attempts=F("attempts") + 1))

    def old(self, now: datetime) -> Self:
        return self.filter(made_at__lt=now - KEPT)
