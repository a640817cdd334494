"""Numbers are masked on the pages of a campaign until somebody whose role may see them says why; then for a while."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.access import permissions_in
from accounts.models import User
from accounts.roles import Permission
from audit.ledger import record
from audit.refusal import Refused
from campaigns.models import Campaign
from recipients import suppressions

LASTS = timedelta(minutes=30)


@transaction.atomic
def show(campaign_id: int, *, by: User, reason: str, now: datetime) -> datetime:
    """Until when they are shown; the ledger says to whom, and why."""
    campaign = Campaign.objects.select_related("workspace").get(pk=campaign_id)
    if Permission.SEE_NUMBERS not in permissions_in(campaign.workspace, by):
        raise Refused(_("Your role does not need the numbers."), code="numbers_not_needed")
    why = suppressions.checked_reason(reason)
    if sum(letter.isdecimal() for letter in why) >= suppressions.TELLING:
        raise Refused(_("Leave the number out of the reason: the ledger keeps it for ever."), code="number_in_reason")
    until = now + LASTS
    record("campaign.numbers_shown", campaign, by=by, note=why, after={"until": until})
    return until
