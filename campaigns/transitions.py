"""An author moves a campaign: one function per verb. Judging is in `moderation`, sending in `delivery`."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from audit.ledger import change_status, record
from audit.refusal import Refused
from campaigns import drafts
from campaigns.models import Campaign
from campaigns.statuses import FINISHED, MOVES, Status


@transaction.atomic
def submit(campaign_id: int, *, by: User, now: datetime, seen: datetime | None = None) -> Campaign:
    """Hand the content to the moderators. A rejected campaign that was not edited is submitted again as it is.

    `seen` is `edited_at` of the content that was looked at: a later one was not, and with it a second press of the
    button does nothing.
    """
    campaign = Campaign.objects.lock(campaign_id)
    drafts.check_seen(campaign, seen)
    if seen is not None and campaign.status == Status.IN_REVIEW and campaign.submitted_by_id == by.pk:
        return campaign
    if campaign.status == Status.REJECTED:
        change_status(campaign, Status.DRAFT, moves=MOVES, by=by)
    if campaign.status == Status.DRAFT:  # else change_status says what is wrong
        _check_ready(campaign, now=now)
        drafts.stamp(campaign)
    campaign.submitted_by, campaign.submitted_at = by, now
    campaign.round += 1
    change_status(
        campaign,
        Status.IN_REVIEW,
        moves=MOVES,
        by=by,
        also_save=["submitted_by", "submitted_at", "round", "daily_zone", "content_version"],
        after={"round": campaign.round},
    )
    return campaign


@transaction.atomic
def withdraw(campaign_id: int, *, by: User) -> Campaign:
    """Take it back from the moderators, to edit it."""
    campaign = Campaign.objects.lock(campaign_id)
    if campaign.status != Status.IN_REVIEW:
        raise _wrong(_("%(campaign)s is %(status)s, not in review."), campaign)
    change_status(campaign, Status.DRAFT, moves=MOVES, by=by)
    return campaign


@transaction.atomic
def revise(campaign_id: int, *, by: User) -> Campaign:
    """Make a rejected campaign a draft again, to mend what the moderator named."""
    campaign = Campaign.objects.lock(campaign_id)
    if campaign.status != Status.REJECTED:
        raise _wrong(_("%(campaign)s is %(status)s, not rejected."), campaign)
    change_status(campaign, Status.DRAFT, moves=MOVES, by=by)
    return campaign


@transaction.atomic
def pause(campaign_id: int, *, by: User | None, reason: str = "") -> Campaign:
    """The dispatcher asks before each batch: nothing new is handed over from now on but what is in the window."""
    campaign = Campaign.objects.lock(campaign_id)
    campaign.stopped_because = reason
    change_status(campaign, Status.PAUSED, moves=MOVES, by=by, note=reason, also_save=["stopped_because"])
    return campaign


@transaction.atomic
def resume(campaign_id: int, *, by: User, now: datetime) -> Campaign:
    campaign = Campaign.objects.lock(campaign_id)
    if campaign.status != Status.PAUSED:
        raise _wrong(_("%(campaign)s is %(status)s, not paused."), campaign)
    if campaign.not_after and campaign.not_after <= now:
        raise Refused(_("The deadline of %(campaign)s has passed.") % {"campaign": campaign}, code="deadline_passed")
    campaign.resumed_at, campaign.stopped_because = now, ""
    change_status(campaign, Status.SENDING, moves=MOVES, by=by, also_save=["resumed_at", "stopped_because"])
    return campaign


@transaction.atomic
def cancel(campaign_id: int, *, by: User, now: datetime, reason: str = "") -> Campaign:
    campaign = Campaign.objects.lock(campaign_id)
    campaign.finished_at, campaign.stopped_because = now, reason
    change_status(
        campaign, Status.CANCELLED, moves=MOVES, by=by, note=reason, also_save=["finished_at", "stopped_because"]
    )
    return campaign


@transaction.atomic
def archive(campaign_id: int, *, by: User, now: datetime) -> Campaign:
    campaign = Campaign.objects.lock(campaign_id)
    if campaign.status not in FINISHED | {Status.DRAFT, Status.REJECTED}:
        raise _wrong(_("%(campaign)s is %(status)s: cancel it first."), campaign)
    if campaign.archived_at is None:
        campaign.archived_at = now
        campaign.save(update_fields=["archived_at"])
        record("campaign.archived", campaign, by=by)
    return campaign


@transaction.atomic
def restore(campaign_id: int, *, by: User) -> Campaign:
    campaign = Campaign.objects.lock(campaign_id)
    if campaign.archived_at is not None:
        campaign.archived_at = None
        campaign.save(update_fields=["archived_at"])
        record("campaign.restored", campaign, by=by)
    return campaign


def _wrong(words: str, campaign: Campaign) -> Refused:
    told = {"campaign": campaign, "status": campaign.get_status_display().lower()}
    return Refused(words % told, code="wrong_status")


def _check_ready(campaign: Campaign, *, now: datetime) -> None:
    """What a moderator must be able to rely on; asked again at approval, where it counts."""
    if campaign.archived_at is not None:
        raise Refused(_("%(campaign)s is archived: restore it first.") % {"campaign": campaign}, code="archived")
    drafts.check_list(campaign)
    drafts.check(drafts.content_of(campaign), zone=campaign.workspace.zone, now=now)
    if campaign.list is not None:
        drafts.check_placeholders(campaign.text, campaign.list)
