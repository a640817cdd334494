"""Which campaigns somebody looks for, in which order, and what they come to."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

from django.db.models import F, Q, Sum
from django.db.models.functions import Coalesce
from django.db.models.lookups import GreaterThanOrEqual, LessThan
from django.utils import timezone

from campaigns import gsm
from campaigns.models import Campaign
from campaigns.querysets import DUE_AT, CampaignQuerySet
from delivery.models import Tally
from delivery.statuses import MessageState

# When it began, will begin, or was written.
WHEN = Coalesce(F("started_at"), DUE_AT, F("created_at"))

ORDERS: dict[str, Any] = {
    "name": F("name"),
    "status": F("status"),
    "when": WHEN,
    "sender": F("sender__name"),
    "author": F("created_by__email"),
    "size": Coalesce(F("list__accepted"), 0),
    "newest": F("pk"),
}
NEWEST = "-newest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """What is found, all pages of it. `parts` is what everybody's messages come to, at the least with placeholders."""

    campaigns: int
    recipients: int
    delivered: int
    failed: int
    parts: int

    @property
    def delivered_percent(self) -> float:
        return 100 * self.delivered / self.recipients if self.recipients else 0.0

    @property
    def failed_percent(self) -> float:
        return 100 * self.failed / self.recipients if self.recipients else 0.0


def narrow(campaigns: CampaignQuerySet, wanted: Mapping[str, Any]) -> CampaignQuerySet:
    """`wanted` is the cleaned filter; what is empty or missing does not narrow."""
    found = campaigns.exclude(archived_at=None) if wanted.get("archived") else campaigns.live()
    for field, key in (("status", "status"), ("mode", "mode"), ("sender", "sender"), ("created_by", "author")):
        if wanted.get(key):
            found = found.filter(**{field: wanted[key]})
    if text := wanted.get("q"):
        found = found.filter(Q(name__icontains=text) | Q(list__name__icontains=text))
    if since := wanted.get("since"):
        found = found.filter(GreaterThanOrEqual(WHEN, _midnight(since)))
    if until := wanted.get("until"):
        found = found.filter(LessThan(WHEN, _midnight(until + timedelta(days=1))))
    return found


def ordered(campaigns: CampaignQuerySet, sort: str) -> CampaignQuerySet:
    """By `sort`, a name of ORDERS, downwards with a dash before it; what is nowhere comes last."""
    by = ORDERS[sort.removeprefix("-")]
    direction = by.desc(nulls_last=True) if sort.startswith("-") else by.asc(nulls_last=True)
    return campaigns.order_by(direction, "-pk")


def sums(campaigns: CampaignQuerySet) -> Sums:
    texts = campaigns.order_by().values_list("text", "content_version").annotate(Sum("list__accepted"))
    counted = {
        MessageState(state): n
        for state, n in Tally.objects.filter(campaign__in=campaigns.order_by().values("pk"), state__in=_TOLD)
        .values_list("state")
        .annotate(Sum("n"))
        .order_by()
    }
    by_text = [(_parts(text, version), accepted or 0) for text, version, accepted in texts]
    return Sums(
        campaigns=campaigns.count(),
        recipients=sum(accepted for _, accepted in by_text) - counted.get(MessageState.SUPPRESSED, 0),
        delivered=counted.get(MessageState.DELIVERED, 0),
        failed=counted.get(MessageState.FAILED, 0),
        parts=sum(parts * accepted for parts, accepted in by_text),
    )


_TOLD = (MessageState.DELIVERED, MessageState.FAILED, MessageState.SUPPRESSED)


@lru_cache(maxsize=20_000)
def _parts(text: str, content_version: int) -> int:
    try:
        return gsm.count_parts(Campaign(text=text, content_version=content_version).template.least)
    except ValueError:  # a draft that is not finished
        return gsm.count_parts(text)


def _midnight(day: date) -> datetime:
    """In the current time zone, the workspace's."""
    return timezone.make_aware(datetime.combine(day, time.min))
