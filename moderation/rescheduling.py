"""A moderator gives a campaign another time: one that has missed its own, or an approved one before it begins."""

from datetime import datetime

from django.db import transaction

from accounts.models import User
from audit.ledger import change_status
from campaigns.models import Campaign
from campaigns.statuses import MOVES, Status
from moderation import decisions


@transaction.atomic
def reschedule(campaign_id: int, *, send_at: datetime, by: User, now: datetime) -> Campaign:
    """An approved campaign lets its time go by first, so that its new time has a decision and a seal of its own. All of
    it happens, or nothing does."""
    campaign = Campaign.objects.lock(campaign_id)
    if campaign.status == Status.APPROVED:
        note = "Taken off its time, to be given another one."
        change_status(campaign, Status.MISSED, moves=MOVES, by=by, note=note)
    return decisions.reschedule(campaign_id, send_at=send_at, by=by, now=now)
