"""Whom an approval of a campaign needs, and who has given theirs (docs/adr/0060). The database asks the same again.

Two people have approved a campaign when each of them has decided for this content, of this round, within the days that
an approval stands; its times are not part of what they share, as a moderator gives a missed campaign others.
"""

from datetime import datetime, timedelta
from typing import Any

from accounts.access import may_decide
from accounts.models import User
from campaigns import seal
from campaigns.models import Campaign
from moderation.models import Decision, Verdict

TIMES = frozenset({"send_at", "date_from", "date_to", "not_after"})


def writers_of(campaign: Campaign) -> set[int]:
    return {campaign.created_by_id, campaign.edited_by_id}


def wants_two(campaign: Campaign) -> bool:
    """So many recipients that one moderator is not enough; then nobody judges their own, whatever else is allowed."""
    above = campaign.workspace.second_approver_above
    return above is not None and campaign.list is not None and campaign.list.accepted > above


def is_own(campaign: Campaign, user: User) -> bool:
    """They wrote it or edited it last, and that keeps them from judging it."""
    return user.pk in writers_of(campaign) and (campaign.workspace.four_eyes or wants_two(campaign))


def given(campaign: Campaign, *, now: datetime) -> list[Decision]:
    """The approvals that count today, the first one first."""
    days = campaign.workspace.approval_days
    found = Decision.objects.about(campaign.pk).filter(round=campaign.round).exclude(verdict=Verdict.REJECTED)
    if days is not None:
        found = found.filter(at__gt=now - timedelta(days=days))
    wanted, wrote = _timeless(seal.content(campaign)), writers_of(campaign)
    return [
        decision
        for decision in found
        if decision.by_id not in wrote
        and _timeless(decision.content) == wanted
        and may_decide(decision.by, campaign.workspace_id)
    ]


def lacks_another(campaign: Campaign, *, by: User, now: datetime) -> bool:
    """Two must approve it, and nobody but them has."""
    return wants_two(campaign) and {decision.by_id for decision in given(campaign, now=now)} <= {by.pk}


def _timeless(content: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name not in TIMES}
