"""An approval that does not stand any more takes its campaign off the clock: a moderator approves it again, or nobody.

The database refuses its start at any time (`approval_flaw`); this says so on the page, and why, before its time.
"""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import DateTimeField, F, Func, QuerySet, TextField, Value
from django.utils.translation import gettext_noop as _

from audit.ledger import change_status
from audit.refusal import Refused
from audit.wording import stored
from campaigns.models import Campaign
from campaigns.statuses import MOVES, Status

logger = logging.getLogger(__name__)

AHEAD = timedelta(seconds=5)  # so that no clock meets one that is out of date just now
EXPIRED = stored(_("Its approval is out of date: a moderator has to approve it again."))
APPROVER_GONE = stored(_("Whoever approved it may not decide here any more: another moderator has to approve it."))
ONE_MISSING = stored(_("It needs the approval of two moderators, and one of them does not count any more."))
SENTENCES = {"expired": EXPIRED, "approver": APPROVER_GONE, "second": ONE_MISSING, "missing": APPROVER_GONE}


def lapse(*, now: datetime) -> None:
    """Each in a transaction of its own: what somebody else has moved meanwhile keeps none of the others."""
    for campaign_id in _flawed(now + AHEAD).values_list("pk", flat=True):
        try:
            _take_off(campaign_id, at=now + AHEAD)
        except Refused as refusal:  # cancelled or started a moment ago
            logger.info("lapse.refused", extra={"campaign": campaign_id, "code": refusal.code})


@transaction.atomic
def _take_off(campaign_id: int, *, at: datetime) -> None:
    campaign = Campaign.objects.lock(campaign_id)
    flaw = _flawed(at).filter(pk=campaign_id).values_list("flaw", flat=True).first()
    if flaw is None:
        return
    campaign.stopped_because = SENTENCES[flaw]
    change_status(
        campaign, Status.MISSED, moves=MOVES, by=None, note=campaign.stopped_because, also_save=["stopped_because"]
    )


def _flawed(at: datetime) -> QuerySet[Any]:
    flaw = Func(F("pk"), Value(at, output_field=DateTimeField()), function="approval_flaw", output_field=TextField())
    approved = Campaign.objects.without_trials().filter(status=Status.APPROVED)
    return approved.annotate(flaw=flaw).exclude(flaw="").order_by("pk")
