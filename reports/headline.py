"""What happens with a campaign now, in one sentence for people; and what came of it, once it is over."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.templatetags.pages import moment, pace, stretch
from audit.models import Entry
from audit.wording import worded
from campaigns import gsm
from campaigns.models import Campaign
from campaigns.statuses import FINISHED, Status
from reports.progress import Progress

S = Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Of a campaign that ended: `rate` in recipients a second over the run; `parts` were handed over, at least so many
    where the text `varies` from recipient to recipient."""

    handed_over: int
    delivered_percent: float
    seconds: int
    rate: float
    parts: int
    varies: bool


def headline(campaign: Campaign, progress: Progress, *, is_halted: bool, now: datetime) -> str:
    match Status(campaign.status):
        case S.DRAFT if campaign.list is None:
            return _("A draft without recipients: choose a list, then submit it.")
        case S.DRAFT:
            return _("A draft: nothing happens before it is submitted and approved.")
        case S.IN_REVIEW:
            since = _since(campaign.submitted_at or now, now)
            return _("Waits for a moderator since %(since)s.") % {"since": since}
        case S.REJECTED:
            return _("A moderator rejected it. Revise it, and submit it again.")
        case S.APPROVED:
            return _approved(campaign, is_halted=is_halted, now=now)
        case S.MISSED if campaign.stopped_because:
            return worded(campaign.stopped_because)
        case S.MISSED:
            return _("Its time went by before it could begin. Nothing was sent; it waits for a moderator.")
        case S.SENDING:
            return _sending(campaign, progress, is_halted=is_halted, now=now)
        case S.PAUSED:
            return _paused(campaign, progress)
        case _other:
            return _ended(campaign, progress, now=now)


def summary(campaign: Campaign, progress: Progress) -> Summary | None:
    """None before it has ended, and when it ended before it had begun."""
    if campaign.status not in FINISHED or campaign.started_at is None or campaign.finished_at is None:
        return None
    totals, template = progress.totals, campaign.template
    seconds = (campaign.finished_at - campaign.started_at).total_seconds()
    return Summary(
        handed_over=totals.handed_over,
        delivered_percent=100 * totals.delivered / max(1, totals.accepted),
        seconds=round(seconds),
        rate=totals.handed_over / max(1.0, seconds),
        parts=totals.handed_over * gsm.count_parts(template.least),
        varies=not template.is_plain,
    )


def _approved(campaign: Campaign, *, is_halted: bool, now: datetime) -> str:
    if is_halted:
        return _("Approved. All sending is stopped by an operator, so it does not begin before that is over.")
    if campaign.due_at is not None and campaign.due_at > now:
        return _("Approved. It begins at %(at)s.") % {"at": _at(campaign.due_at, now)}
    return _("Approved. It begins at any moment.")


def _sending(campaign: Campaign, progress: Progress, *, is_halted: bool, now: datetime) -> str:
    rate = progress.rate if progress.planned_rate is None else progress.planned_rate
    said = {
        "since": _at(campaign.started_at, now),
        "sent": intcomma(progress.totals.handed_over),
        "all": intcomma(progress.totals.accepted),
        "pace": pace(rate) if rate else "",
        "at": _at(progress.opens_at or progress.eta, now),
    }
    if is_halted:
        return _("All sending is stopped by an operator: %(sent)s of %(all)s are handed over.") % said
    if progress.opens_at is not None:
        return _("Waits for its open hours: %(sent)s of %(all)s are handed over, it goes on at %(at)s.") % said
    if not progress.totals.waiting:
        return _("Sending since %(since)s: all %(all)s are handed over, the last answers are awaited.") % said
    if progress.totals.handed_over and progress.is_still:
        return _("Sending since %(since)s: %(sent)s of %(all)s handed over, none of them just now.") % said
    if not rate:
        return _("Sending since %(since)s: %(sent)s of %(all)s handed over.") % said
    if progress.eta is None:
        return _("Sending since %(since)s: %(sent)s of %(all)s handed over, %(pace)s.") % said
    return _("Sending since %(since)s: %(sent)s of %(all)s handed over, %(pace)s, done about %(at)s.") % said


def _paused(campaign: Campaign, progress: Progress) -> str:
    by = _who(campaign)
    said = {
        "who": by,
        "why": worded(campaign.stopped_because),
        "left": intcomma(progress.totals.waiting),
    }
    if not by:
        return _("Paused by the system (%(why)s): %(left)s recipients wait.") % said
    if campaign.stopped_because:
        return _("Paused by %(who)s (%(why)s): %(left)s recipients wait.") % said
    return _("Paused by %(who)s: %(left)s recipients wait.") % said


def _ended(campaign: Campaign, progress: Progress, *, now: datetime) -> str:
    totals = progress.totals
    said = {
        "at": _at(campaign.finished_at, now),
        "share": number_format(100 * totals.delivered / max(1, totals.accepted), 1),
        "sent": intcomma(totals.handed_over),
        "all": intcomma(totals.accepted),
        "unsent": intcomma(totals.expired + totals.cancelled + totals.waiting),
        "who": "",
        "why": worded(campaign.stopped_because),
        "pending": intcomma(totals.pending),
    }
    match Status(campaign.status):
        case S.DONE if totals.pending:
            return (
                ngettext(
                    "All handed over by %(at)s: %(share)s %% of %(all)s delivered, %(pending)s receipt is awaited.",
                    "All handed over by %(at)s: %(share)s %% of %(all)s delivered, %(pending)s receipts are awaited.",
                    totals.pending,
                )
                % said
            )
        case S.DONE:
            return _("Done at %(at)s: %(share)s %% of %(all)s delivered.") % said
        case S.EXPIRED:
            return _("Its deadline passed at %(at)s: %(sent)s of %(all)s were handed over, %(unsent)s were not.") % said
        case S.FAILED:
            return _("Ended by the system at %(at)s (%(why)s): %(unsent)s of %(all)s were not sent.") % said
        case _other:
            said["who"] = _who(campaign)
            return _("Cancelled by %(who)s at %(at)s: %(unsent)s of %(all)s were not sent.") % said


def _who(campaign: Campaign) -> str:
    """Who brought it where it stands; empty when the system did."""
    entries = Entry.objects.of(campaign.workspace).about(campaign).filter(action=f"campaign.{campaign.status}")
    entry = entries.order_by("-seq").first()
    return entry.actor_name if entry is not None and entry.actor_id is not None else ""


def _at(at: datetime | None, now: datetime) -> str:
    """The time alone where it is of today."""
    is_today = at is not None and timezone.localdate(at) == timezone.localdate(now)
    return date_format(timezone.localtime(at), "H:i") if is_today else moment(at)


def _since(at: datetime, now: datetime) -> str:
    return stretch(int(max(timedelta(), now - at).total_seconds()))
