"""Whom an approval of a campaign needs, and who has given theirs (docs/adr/0060). The database asks the same again.

Two people have approved a campaign when each of them has decided for this content, of this round, within the days that
an approval stands; its times are not part of what they share, as a moderator gives a missed campaign others.
"""

from datetime import datetime, timedelta
from typing import Any

from accounts.access import may_decide
from accounts.models import User
from campaigns import eyes, seal
from campaigns.models import Campaign
from moderation.models import Decision, Verdict

TIMES = frozenset({"send_at", "date_from", "date_to", "not_after"})


def given(campaign: Campaign, *, now: datetime) -> list[Decision]:
    """The approvals that count today, the first one first."""
    days = campaign.workspace.approval_days
    found = Decision.objects.about(campaign.pk).filter(round=campaign.round).exclude(verdict=Verdict.REJECTED)
    if days is not None:
        found = found.filter(at__gt=now - timedelta(days=days))
    wanted, wrote = _timeless(seal.content(campaign)), eyes.writers_of(campaign)
    return [
        decision
        for decision in found
        if decision.by_id not in wrote
        and _timeless(decision.content) == wanted
        and may_decide(decision.by, campaign.workspace_id)
    ]


def has_voted(campaign: Campaign, user: User, *, now: datetime) -> bool:
    """Of two who must approve it they are one, and the other is awaited."""
    return eyes.wants_two(campaign) and {decision.by_id for decision in given(campaign, now=now)} == {user.pk}


def lacks_another(campaign: Campaign, *, by: User, now: datetime) -> bool:
    """Two must approve it, and nobody but them has."""
    return eyes.wants_two(campaign) and {decision.by_id for decision in given(campaign, now=now)} <= {by.pk}


def _timeless(content: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name not in TIMES}
