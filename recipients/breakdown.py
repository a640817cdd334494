"""Where the recipients of a ready list live: bars by country and by national prefix, the most numerous first."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.formats import localize
from django.utils.translation import gettext as _

from recipients.countries import name_of
from recipients.models import RecipientList

MOST_BARS = 10  # what is beyond them is one bar


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """`length` is per cent of the longest bar, `share` per cent of all recipients."""

    label: str
    count: int
    length: int
    share: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    title: str
    bars: tuple[Bar, ...]


def charts_of(listed: RecipientList) -> list[Chart]:
    """None at all for a list of which nothing is known."""
    countries: Sequence[tuple[str, int]] = listed.breakdown.get("countries", [])
    prefixes: Sequence[tuple[str, int]] = listed.breakdown.get("prefixes", [])
    named = [(name_of(code), count) for code, count in countries]
    charts = [
        Chart(title=_("By country"), bars=_bars(named)),
        Chart(title=_("By national prefix"), bars=_bars(prefixes)),
    ]
    return [chart for chart in charts if chart.bars]


def _bars(counted: Sequence[tuple[str, int]]) -> tuple[Bar, ...]:
    ranked = sorted(counted, key=lambda entry: -entry[1])
    shown = ranked[:MOST_BARS]
    if rest := sum(count for _, count in ranked[MOST_BARS:]):
        shown.append((_("All others"), rest))
    total, longest = sum(count for _, count in ranked), max((count for _, count in shown), default=0)
    return tuple(
        Bar(label=label, count=count, length=max(1, round(100 * count / longest)), share=_share(count, total))
        for label, count in shown
        if count
    )


def _share(count: int, total: int) -> str:
    share = 100 * count / total
    return f"{localize(round(share, 1))} %" if share >= 0.1 else f"< {localize(0.1)} %"
