"""When a campaign begins, and when its first message leaves: the daily window may lie between."""

from datetime import datetime

from campaigns.models import Campaign
from campaigns.statuses import Mode, Status

NOT_BEGUN = frozenset({Status.DRAFT, Status.IN_REVIEW, Status.REJECTED, Status.APPROVED, Status.MISSED})


def waits_until(campaign: Campaign, *, now: datetime) -> datetime | None:
    """The opening for which it would wait, begun at its time, or now where it has none; None when it need not wait, or
    has begun."""
    if campaign.status not in NOT_BEGUN:
        return None
    begins = max(now, begin_of(campaign) or now)
    opening = campaign.hours.next_opening(begins)
    return opening if opening > begins else None


def begin_of(campaign: Campaign) -> datetime | None:
    """The minute, or the start of the window, that its author chose; None when it begins at its approval."""
    return campaign.date_from if campaign.mode == Mode.SPREAD else campaign.send_at
