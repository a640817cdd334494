"""A moderator judges a campaign: one function per verb, each leaving one immutable decision. And sender revisions.

What somebody else is reading is not decided behind their back: `moderation.claims`.
"""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.access import may_decide
from accounts.models import User
from audit.ledger import change_status, record
from audit.refusal import Refused
from audit.wording import stored
from campaigns import carriers, drafts, eyes, seal
from campaigns.models import Campaign
from campaigns.statuses import MOVES, Mode, Status
from moderation import approvals, claims
from moderation.models import Decision, Verdict
from recipients.statuses import Status as ListStatus
from senders import transitions
from senders.models import Revision
from senders.statuses import RevisionStatus, SenderStatus

TOO_LATE = stored(gettext_noop("Approved after its time."))


@transaction.atomic
def approve_campaign(
    campaign_id: int, *, by: User, now: datetime, reason: str = "", seen_round: int | None = None
) -> Campaign:
    """Seal the content. Approved after its time it becomes MISSED: nothing is sent until a moderator acts again.

    `seen_round` is the round of the content that was looked at: a later one was not. Where two must approve, the
    approval of the first is recorded, and the campaign waits on.
    """
    campaign = _lock(campaign_id, Status.IN_REVIEW, by=by, now=now)
    _check_seen(campaign, seen_round)
    _check_sendable(campaign)
    if approvals.lacks_another(campaign, by=by, now=now):
        return _vote(campaign, by=by, now=now, reason=reason)
    _seal(campaign, Verdict.APPROVED, by=by, now=now, reason=reason)
    if time_has_passed(campaign, now):
        change_status(campaign, Status.MISSED, moves=MOVES, by=None, note=TOO_LATE)
    return campaign


@transaction.atomic
def reject_campaign(
    campaign_id: int, *, by: User, now: datetime, reason: str, seen_round: int | None = None
) -> Campaign:
    if not reason.strip():
        raise Refused(_("Say why: the author reads the reason."), code="reason_missing")
    campaign = _lock(campaign_id, Status.IN_REVIEW, by=by, now=now)
    _check_seen(campaign, seen_round)
    decision = _decide(campaign, Verdict.REJECTED, by=by, now=now, reason=reason)
    campaign.rejection_reason = reason
    after = {"is_self_review": True} if decision.is_self_review else {}
    change_status(
        campaign, Status.REJECTED, moves=MOVES, by=by, note=reason, also_save=["rejection_reason"], after=after
    )
    return campaign


@transaction.atomic
def reschedule(campaign_id: int, *, send_at: datetime, by: User, now: datetime) -> Campaign:
    """Give a missed campaign another minute. A missed window moves as a whole: it begins at `send_at`."""
    campaign = _lock(campaign_id, Status.MISSED, by=by, now=now)
    if send_at <= now:
        raise Refused(_("send_at is in the past."), code="time_in_the_past")
    return _approve_for(campaign, send_at, Verdict.RESCHEDULED, by=by, now=now)


@transaction.atomic
def send_now(campaign_id: int, *, by: User, now: datetime) -> Campaign:
    """Send a missed campaign at once."""
    campaign = _lock(campaign_id, Status.MISSED, by=by, now=now)
    return _approve_for(campaign, now, Verdict.SENT_NOW, by=by, now=now)


@transaction.atomic
def approve_revision(revision_id: int, *, by: User, now: datetime, reason: str = "") -> Revision:
    _check_reader(revision_id, by=by, now=now)
    revision = transitions.approve_revision(revision_id, by=by, now=now, reason=reason)
    claims.end(revision)
    return revision


@transaction.atomic
def reject_revision(revision_id: int, *, by: User, now: datetime, reason: str) -> Revision:
    _check_reader(revision_id, by=by, now=now)
    revision = transitions.reject_revision(revision_id, by=by, now=now, reason=reason)
    claims.end(revision)
    return revision


def _check_reader(revision_id: int, *, by: User, now: datetime) -> None:
    revision = claims.lock(Revision(pk=revision_id))
    if may_decide(by, revision.workspace_id):  # else the verb says so
        claims.check(revision, by=by, now=now)


def _lock(campaign_id: int, wanted: Status, *, by: User, now: datetime) -> Campaign:
    campaign = Campaign.objects.lock(campaign_id)
    if not may_decide(by, campaign.workspace_id):
        raise Refused(_("Only a moderator of the workspace decides."), code="not_a_moderator")
    if eyes.is_own(campaign, by):
        raise Refused(_("Somebody other than the author and the last editor must decide."), code="four_eyes")
    if campaign.status != wanted:
        raise Refused(
            _("%(campaign)s is %(status)s, not %(wanted)s.")
            % {
                "campaign": campaign,
                "status": campaign.get_status_display().lower(),
                "wanted": str(wanted.label).lower(),
            },
            code="wrong_status",
        )
    claims.check(campaign, by=by, now=now)
    return campaign


def _check_seen(campaign: Campaign, seen_round: int | None) -> None:
    if seen_round is not None and seen_round != campaign.round:
        raise Refused(
            _("%(campaign)s was changed since you looked at it: look again.") % {"campaign": campaign},
            code="changed_meanwhile",
        )


def _check_sendable(campaign: Campaign) -> None:
    """The other rows it rests on, asked where it counts."""
    if campaign.sender.status != SenderStatus.APPROVED or campaign.revision.status != RevisionStatus.APPROVED:
        raise Refused(
            _("The sender “%(sender)s” is not approved.") % {"sender": campaign.sender}, code="sender_not_approved"
        )
    if campaign.mode != Mode.TRIGGER and (campaign.list is None or campaign.list.status != ListStatus.READY):
        raise Refused(_("The list of recipients is not ready."), code="list_not_ready")
    carriers.check_can_carry(campaign)


def time_has_passed(campaign: Campaign, now: datetime) -> bool:
    """Whether it is too late to start it: its minute, the start of its window, or its deadline is over."""
    begins = {Mode.SCHEDULED: campaign.send_at, Mode.SPREAD: campaign.date_from}.get(Mode(campaign.mode))
    return bool((begins and begins < now) or (campaign.not_after and campaign.not_after <= now))


def _approve_for(campaign: Campaign, begin: datetime, verdict: Verdict, *, by: User, now: datetime) -> Campaign:
    _check_sendable(campaign)
    if approvals.lacks_another(campaign, by=by, now=now):
        return _vote(campaign, by=by, now=now, reason="")
    if campaign.mode == Mode.SPREAD and campaign.date_from and campaign.date_to:
        length = campaign.date_to - campaign.date_from
        if campaign.not_after == campaign.date_to:
            campaign.not_after = begin + length
        campaign.date_from, campaign.date_to = begin, begin + length
    else:
        campaign.send_at = begin
    if campaign.not_after and campaign.not_after <= begin:
        raise Refused(
            _("The deadline of %(campaign)s is before that.") % {"campaign": campaign}, code="deadline_passed"
        )
    drafts.check_hours(drafts.content_of(campaign), zone=campaign.hours.zone, now=now)
    campaign.save(update_fields=["send_at", "date_from", "date_to", "not_after"])
    _seal(campaign, verdict, by=by, now=now, reason="")
    return campaign


def _vote(campaign: Campaign, *, by: User, now: datetime, reason: str) -> Campaign:
    """The first of two. Nothing moves, and it is the second who says when."""
    if approvals.has_voted(campaign, by, now=now):
        raise Refused(_("You have approved it: now another moderator must, too."), code="second_approver")
    decision = _decide(campaign, Verdict.VOTED, by=by, now=now, reason=reason)
    record("campaign.voted", campaign, by=by, note=reason, after=_shown(decision))
    return campaign


def _seal(campaign: Campaign, verdict: Verdict, *, by: User, now: datetime, reason: str) -> None:
    decision = _decide(campaign, verdict, by=by, now=now, reason=reason)
    campaign.seal, campaign.approved_at, campaign.stopped_because = decision.seal, now, ""
    change_status(
        campaign,
        Status.APPROVED,
        moves=MOVES,
        by=by,
        note=reason,
        also_save=["seal", "approved_at", "stopped_because"],
        after=_shown(decision),
    )


def _shown(decision: Decision) -> dict[str, Any]:
    """For the ledger; that somebody judged their own is said where it was so."""
    shown = {"seal": decision.seal, "verdict": str(decision.verdict), "round": decision.round}
    return shown | {name: True for name in ("wants_two", "is_self_review") if getattr(decision, name)}


def _decide(campaign: Campaign, verdict: Verdict, *, by: User, now: datetime, reason: str) -> Decision:
    content = seal.content(campaign)
    claims.end(campaign)
    return Decision.objects.create(
        campaign=campaign,
        round=campaign.round,
        verdict=verdict,
        by=by,
        at=now,
        reason=reason,
        seal=seal.digest(content),
        content=content,
        four_eyes=campaign.workspace.four_eyes,
        wants_two=eyes.wants_two(campaign),
        is_self_review=by.pk in eyes.writers_of(campaign),
    )
