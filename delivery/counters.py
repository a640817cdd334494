"""The right side of the equation, from the counters: tallies of the messages plus what still lives in the chunks."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connections, router
from django.db.models import F, Sum

from campaigns.models import Campaign
from campaigns.statuses import Mode, Status
from delivery.models import Chunk, Tally
from delivery.statuses import TERM_OF, MessageState, Term


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Recipients by term. `accepted` is the list's, or what a trigger took on, without those who were suppressed before
    their turn came, the terms come from what delivery did; `balanced` compares them."""

    rows: int = 0
    invalid: int = 0
    duplicate: int = 0
    suppressed: int = 0
    accepted: int = 0
    delivered: int = 0
    failed: int = 0
    pending: int = 0
    no_receipt: int = 0
    expired: int = 0
    cancelled: int = 0
    uncertain: int = 0
    waiting: int = 0

    @property
    def handed_over(self) -> int:
        return self.delivered + self.failed + self.pending + self.no_receipt + self.uncertain

    @property
    def balanced(self) -> bool:
        return self.rows == self.invalid + self.duplicate + self.suppressed + self.accepted and (
            self.accepted == self.handed_over + self.expired + self.cancelled + self.waiting
        )


# What the recipients that were never intended count as, by where their campaign stands.
REST = {Status.CANCELLED: Term.CANCELLED, Status.FAILED: Term.CANCELLED, Status.EXPIRED: Term.EXPIRED}

# States of no message: its recipient still lives in the chunk.
_UNINTENDED, _UNRECORDED, _ALL = 0, -1, -2
_SQL = f"""
SELECT campaign_id, state, sum(n) FROM delivery_tally WHERE campaign_id = ANY(%(ids)s) GROUP BY 1, 2
UNION ALL
SELECT campaign_id, {_UNINTENDED}, sum(count - intended) FROM delivery_chunk WHERE campaign_id = ANY(%(ids)s) GROUP BY 1
UNION ALL
SELECT campaign_id, {_UNRECORDED}, sum(intended - next) FROM delivery_chunk WHERE campaign_id = ANY(%(ids)s) GROUP BY 1
UNION ALL
SELECT campaign_id, {_ALL}, sum(count) FROM delivery_chunk WHERE campaign_id = ANY(%(ids)s) GROUP BY 1
"""


def rest_term(campaign: Campaign) -> Term:
    return REST.get(Status(campaign.status), Term.WAITING)


def unrecorded(campaign: Campaign) -> list[range]:
    """Recipients that are covered by an intent and have no result yet: at most a range for each chunk at work.

    They wait, also when their campaign has just been cancelled or has expired: they may be in the carrier's hands.
    """
    found = Chunk.objects.filter(campaign=campaign, intended__gt=F("next")).order_by("number")
    return [range(first + next, first + end) for first, next, end in found.values_list("first", "next", "intended")]


def totals_of(campaigns: Iterable[Campaign]) -> dict[int, Totals]:
    """The totals of each campaign by its id, in one statement and so at one instant."""
    wanted = {campaign.pk: campaign for campaign in campaigns}
    with connections[router.db_for_read(Tally)].cursor() as cursor:
        cursor.execute(_SQL, {"ids": list(wanted)})
        rows: list[tuple[int, int, int]] = cursor.fetchall()
    counted: dict[int, dict[int, int]] = {pk: {} for pk in wanted}
    for pk, state, n in rows:
        counted[pk][state] = int(n)
    return {pk: _totals(campaign, counted[pk]) for pk, campaign in wanted.items()}


def totals(campaign: Campaign) -> Totals:
    return totals_of([campaign])[campaign.pk]


def messages_in(campaign: Campaign, states: Iterable[MessageState]) -> int:
    """How many of its messages are in these states."""
    counted = Tally.objects.filter(campaign=campaign, state__in=states).aggregate(n=Sum("n"))
    return counted["n"] or 0


def _totals(campaign: Campaign, counted: dict[int, int]) -> Totals:
    pushed, listed = counted.pop(_ALL, 0), campaign.list
    if listed is None and campaign.mode != Mode.TRIGGER:
        return Totals()
    rows, accepted = (listed.rows, listed.accepted) if listed else (pushed, pushed)
    terms = dict.fromkeys(Term, 0)
    # Before its chunks exist, a campaign's recipients all live in its list.
    terms[rest_term(campaign)] += counted.pop(_UNINTENDED, accepted)
    terms[Term.WAITING] += counted.pop(_UNRECORDED, 0)
    for state, n in counted.items():
        terms[TERM_OF[MessageState(state)]] += n
    suppressed = terms.pop(Term.SUPPRESSED)
    return Totals(
        rows=rows,
        invalid=listed.invalid if listed else 0,
        duplicate=listed.duplicate if listed else 0,
        suppressed=(listed.suppressed if listed else 0) + suppressed,
        accepted=accepted - suppressed,
        **{str(term): n for term, n in terms.items()},
    )
