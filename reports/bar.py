"""The bar of a campaign: what became of its recipients, term by term, end to end."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.humanize.templatetags.humanize import intcomma

from delivery.counters import Totals
from delivery.statuses import ACCEPTED, Term


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One term's piece of the bar; `begin` and `percent` are of the accepted recipients."""

    term: Term
    count: int
    begin: float
    percent: float


def shares(totals: Totals) -> list[Share]:
    """Every term of the accepted ones in the order of the equation."""
    found, before = [], 0
    for term in ACCEPTED:
        count = getattr(totals, term)
        begin, end = (100 * n / max(1, totals.accepted) for n in (before, before + count))
        found.append(Share(term=term, count=count, begin=begin, percent=end - begin))
        before += count
    return found


def in_words(pieces: Iterable[Share]) -> str:
    """For whoever does not see it."""
    return ", ".join(f"{one.term.label}: {intcomma(one.count)}" for one in pieces if one.count)


def handed_over_percent(totals: Totals) -> float:
    """Of the accepted ones. When all were suppressed before their turn came, nobody is left to be handed over."""
    return 100 * totals.handed_over / totals.accepted if totals.accepted else 100.0 if totals.rows else 0.0
