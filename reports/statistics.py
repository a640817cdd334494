"""What a workspace sent and what became of it: by day, sender, channel, campaign, or reason of failure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import BigIntegerField, Case, F, Q, Sum, Value, When
from django.db.models.functions import Coalesce
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace
from delivery import errors
from delivery.statuses import STATES_OF, MessageState, Term
from reports import replica
from reports.models import DayCount

LONGEST = 366  # days
MOST_ROWS = 1000  # the largest; so many senders, campaigns or reasons nobody reads

BY: dict[str, str | Promise] = {
    "day": _("Day"),
    "sender": _("Sender"),
    "channel": _("Channel"),
    "campaign": _("Campaign"),
    "error": _("Reason of failure"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """`key` is what it is grouped by: a day in ISO, an id, or the code of an error; `name` is for people. `parts` are
    those that carriers took. Of a reason of failure only `failed` is said."""

    key: str
    name: str
    messages: int
    parts: int
    terms: dict[Term, int]

    @property
    def day(self) -> date:
        """Of a row by days."""
        return date.fromisoformat(self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Days are those of the workspace's clock, both included."""

    since: date
    until: date
    by: str = "day"
    sender: int | None = None
    channel: int | None = None

    @property
    def where(self) -> Q:
        found = Q(day__gte=self.since, day__lte=self.until)
        for name, value in (("sender", self.sender), ("channel", self.channel)):
            if value is not None:
                found &= Q(**{name: value})
        return found & Q(state=MessageState.FAILED) if self.by == "error" else found


_KEYS = {
    "day": ("day",),
    "sender": ("sender", "sender__name"),
    "channel": ("channel", "channel__name"),
    "campaign": ("campaign", "campaign__name"),
    "error": ("error_kind", "error_code"),
}


def counted(workspace: Workspace, asked: Asked, *, now: datetime) -> tuple[tuple[list[Row], Row], datetime | None]:
    """Rows and their total, and as of when (`replica.read`)."""
    return replica.read(lambda: (rows(workspace, asked), total(workspace, asked)), now=now)


def rows(workspace: Workspace, asked: Asked) -> list[Row]:
    """Days in their order; all else the largest first."""
    counts = DayCount.objects.of(workspace).filter(asked.where)
    order = ["day"] if asked.by == "day" else ["-messages_sum", *_KEYS[asked.by]]
    found = counts.values(*_KEYS[asked.by]).annotate(**_sums()).order_by(*order)[:MOST_ROWS]
    return [_row(asked.by, row) for row in found]


def total(workspace: Workspace, asked: Asked) -> Row:
    found = DayCount.objects.of(workspace).filter(asked.where).aggregate(**_sums())
    return _made("", "", found)


def _sums() -> dict[str, Any]:
    sums = {f"{term}_sum": _sum_of(STATES_OF[term]) for term in Term}
    return sums | {"messages_sum": _or_none(Sum("messages")), "parts_sum": _or_none(Sum("parts"))}


def _sum_of(states: Sequence[MessageState]) -> Any:
    mine = Case(When(state__in=states, then=F("messages")), default=Value(0), output_field=BigIntegerField())
    return _or_none(Sum(mine))


def _or_none(total: Sum) -> Coalesce:
    return Coalesce(total, Value(0), output_field=BigIntegerField())


def _row(by: str, row: dict[str, Any]) -> Row:
    if by == "error":
        error = errors.explain(row["error_kind"], row["error_code"])
        key, name = (error.code, f"{error.name}: {error.text}") if error else ("", "")
    else:
        key, name = (str(row[column]) for column in (_KEYS[by] * 2)[:2])
    return _made(key, name, row)


def _made(key: str, name: str, row: dict[str, Any]) -> Row:
    terms = {term: int(row[f"{term}_sum"]) for term in Term}
    return Row(key=key, name=name, messages=int(row["messages_sum"]), parts=int(row["parts_sum"]), terms=terms)
