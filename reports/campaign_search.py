"""Which campaigns somebody looks for, in which order, and what they come to."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import BigIntegerField, Count, F, Q, Sum
from django.db.models.functions import Coalesce
from django.db.models.lookups import GreaterThanOrEqual, LessThan
from django.utils import timezone

from campaigns.querysets import DUE_AT, CampaignQuerySet
from campaigns.statuses import Status
from delivery.models import Tally
from delivery.statuses import TERM_OF, MessageState, Term

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
HANDED_OVER = (Term.DELIVERED, Term.FAILED, Term.PENDING, Term.NO_RECEIPT, Term.UNCERTAIN)


# What people call so, of several statuses each.
GROUPS: dict[str, tuple[Status, ...]] = {
    "active": (Status.APPROVED, Status.SENDING, Status.PAUSED),
    "broken": (Status.FAILED, Status.EXPIRED),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """What is found, all pages of it; from `recipients` on in recipients."""

    campaigns: int
    active: int
    done: int
    broken: int
    recipients: int
    handed_over: int
    delivered: int
    failed: int

    @property
    def delivered_percent(self) -> float:
        return 100 * self.delivered / self.handed_over if self.handed_over else 0.0

    @property
    def failed_percent(self) -> float:
        return 100 * self.failed / self.handed_over if self.handed_over else 0.0


def narrow(campaigns: CampaignQuerySet, wanted: Mapping[str, Any]) -> CampaignQuerySet:
    """`wanted` is the cleaned filter; what is empty or missing does not narrow."""
    if of_list := wanted.get("list"):
        found = campaigns.filter(list=of_list)
    else:
        found = campaigns.archived() if wanted.get("archived") else campaigns.live()
    if status := wanted.get("status"):
        found = found.filter(status__in=GROUPS.get(status, (status,)))
    for field, key in (("mode", "mode"), ("sender", "sender"), ("created_by", "author")):
        if wanted.get(key):
            found = found.filter(**{field: wanted[key]})
    if text := wanted.get("q"):
        found = found.filter(Q(name__icontains=text) | Q(list__name__icontains=text))
    for lookup, key in (("created_at__gte", "created_since"), ("created_at__lt", "created_before")):
        if wanted.get(key):
            found = found.filter(**{lookup: wanted[key]})
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
    found = campaigns.order_by()
    told = found.aggregate(
        campaigns=Count("pk"),
        active=Count("pk", filter=Q(status__in=GROUPS["active"])),
        done=Count("pk", filter=Q(status=Status.DONE)),
        broken=Count("pk", filter=Q(status__in=GROUPS["broken"])),
        recipients=Coalesce(Sum("list__accepted"), 0, output_field=BigIntegerField()),
    )
    tallied = Tally.objects.filter(campaign__in=found.values("pk")).values_list("state").annotate(Sum("n")).order_by()
    counted = dict.fromkeys(Term, 0)
    for state, n in tallied:
        counted[TERM_OF[MessageState(state)]] += n
    return Sums(
        **{**told, "recipients": told["recipients"] - counted[Term.SUPPRESSED]},
        handed_over=sum(counted[term] for term in HANDED_OVER),
        delivered=counted[Term.DELIVERED],
        failed=counted[Term.FAILED],
    )


def _midnight(day: date) -> datetime:
    """In the current time zone, the workspace's."""
    return timezone.make_aware(datetime.combine(day, time.min))
