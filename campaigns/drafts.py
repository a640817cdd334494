"""Writing a campaign's content, while it is a draft."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import MAXYEAR, datetime, time, timedelta, tzinfo
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User, Workspace
from audit.ledger import record
from audit.refusal import Refused
from campaigns import carriers, gsm, placeholders
from campaigns.hours import Hours
from campaigns.models import Campaign
from campaigns.statuses import EDITABLE, Mode
from channels.models import Channel, Route
from recipients.models import RecipientList
from recipients.statuses import Status as ListStatus
from senders.models import Revision, Sender

# Fields of the content that the campaign takes over without a word.
AS_GIVEN = (
    *("mode", "text", "sender", "list", "send_at", "date_from", "date_to", "not_after"),
    *("route", "daily_from", "daily_to", "parts_per_second"),
)
# The times that a mode does not have.
FOREIGN_TIMES = {
    Mode.ON_APPROVAL: ("send_at", "date_from", "date_to"),
    Mode.SCHEDULED: ("date_from", "date_to"),
    Mode.SPREAD: ("send_at",),
    Mode.TRIGGER: ("send_at", "date_from", "date_to"),
}
TIMES = frozenset({"send_at", "date_from", "date_to", "not_after", "daily_from", "daily_to", "parts_per_second"})
# What is not there yet, rather than wrong.
MISSING = frozenset({"send_at_missing", "window_missing", "end_missing"})
MOST_PARTS_PER_SECOND = 1_000_000
LONGEST_NAME = 120
_NUMBERED = re.compile(r"(.+) \(([0-9]{1,4})\)", re.DOTALL)
USABLE = frozenset({ListStatus.UPLOADING, ListStatus.PREPARING, ListStatus.READY})
# A window that is cut at each opening and closing is looked at day by day.
LONGEST_DAILY = timedelta(days=366)


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What an author decides. The sender stands for its newest approved revision; neither channel nor route is the
    default channel. The daily times are those of the workspace's zone."""

    name: str
    mode: str
    text: str
    sender: Sender
    list: RecipientList | None = None
    channel: Channel | None = None
    send_at: datetime | None = None
    date_from: datetime | None = None
    date_to: datetime | None = None
    not_after: datetime | None = None
    route: Route | None = None
    daily_from: time | None = None
    daily_to: time | None = None
    parts_per_second: int | None = None


@transaction.atomic
def create(workspace: Workspace, content: Content, *, by: User, now: datetime) -> Campaign:
    """Raises Refused with the first rule that the content breaks."""
    campaign = Campaign(workspace=workspace, created_by=by, created_at=now)
    _fill(campaign, content, by=by, now=now)
    record("campaign.created", campaign, by=by, after=_shown(campaign))
    return campaign


@transaction.atomic
def edit(campaign_id: int, content: Content, *, by: User, now: datetime) -> Campaign:
    campaign = _editable(campaign_id)
    before = _shown(campaign)
    _fill(campaign, content, by=by, now=now)
    record("campaign.edited", campaign, by=by, before=before, after=_shown(campaign))
    return campaign


@transaction.atomic
def begin(workspace: Workspace, *, name: str, mode: str, by: User, now: datetime) -> Campaign:
    """A draft of which nothing else is known. It is bound to a sender from the start: the one that was used last."""
    usable = Sender.objects.of(workspace).usable()
    last = Campaign.objects.of(workspace).filter(sender__in=usable).select_related("sender").order_by("-pk").first()
    sender = last.sender if last else usable.order_by("name", "pk").first()
    if sender is None:
        raise Refused(_("No sender is approved yet."), code="sender_not_approved")
    _check_name(name)
    campaign = Campaign(workspace=workspace, created_by=by, created_at=now, revision=_revision_of(sender))
    _put(campaign, Content(name=name, mode=mode, text="", sender=sender), by=by, now=now)
    record("campaign.created", campaign, by=by, after=_shown(campaign))
    return campaign


@transaction.atomic
def keep(campaign_id: int, changes: Mapping[str, Any], *, by: User, now: datetime, seen: datetime | None) -> Campaign:
    """Take over what one step says: what is missing may come later, what is wrong is refused, and nothing is asked of
    the other steps. `seen` is `edited_at` of the content that was looked at: a later one was not."""
    campaign = _editable(campaign_id)
    check_seen(campaign, seen)
    before = _shown(campaign)
    if changes.keys() & {"channel", "route"}:
        changes = {"channel": None, "route": None, **changes}
    content = replace(content_of(campaign), **changes)
    if "mode" in changes:
        foreign: dict[str, Any] = dict.fromkeys(FOREIGN_TIMES[Mode(content.mode)])
        content = replace(content, **foreign)
        if content.mode == Mode.TRIGGER:
            content = replace(content, list=None)
    _check_step(content, changes, campaign=campaign, now=now)
    if "sender" in changes:
        campaign.revision = _revision_of(content.sender)
    _put(campaign, content, by=by, now=now)
    record("campaign.edited", campaign, by=by, before=before, after=_shown(campaign))
    return campaign


def check_seen(campaign: Campaign, seen: datetime | None) -> None:
    """Raises Refused when somebody has edited the content since."""
    if seen is not None and seen != campaign.edited_at:
        raise Refused(
            _("%(who)s has changed this campaign since you opened the page. Look at it once more.")
            % {"who": campaign.edited_by},
            code="changed_meanwhile",
        )


@transaction.atomic
def amend(campaign_id: int, changes: Mapping[str, Any], *, by: User, now: datetime) -> Campaign:
    """Edit the named parts of the content; the rest stays as it is under the lock. Naming a channel takes the route
    off, and the other way round."""
    campaign = Campaign.objects.lock(campaign_id)
    if changes.get("channel") or changes.get("route"):
        changes = {"channel": None, "route": None, **changes}
    return edit(campaign_id, replace(content_of(campaign), **changes), by=by, now=now)


@transaction.atomic
def clone(campaign_id: int, *, by: User, now: datetime) -> Campaign:
    """A fresh draft of the same content, whatever became of the campaign. Its times are over: the author says new ones.
    A list that can no longer be sent to is left out."""
    campaign = Campaign.objects.lock(campaign_id)
    content = _as_new(campaign)
    revision = _revision_of(content.sender)
    made = Campaign(workspace=campaign.workspace, created_by=by, created_at=now, revision=revision)
    _put(made, content, by=by, now=now)
    record("campaign.cloned", made, by=by, after={"of": campaign.pk, **_shown(made)})
    return made


def content_of(campaign: Campaign) -> Content:
    """What its author decided: a deadline that is only the end of the window goes with the window, and a channel that
    is only the first of the route with the route."""
    content = Content(**{field.name: getattr(campaign, field.name) for field in fields(Content)})
    if content.route is not None:
        content = replace(content, channel=None)
    if content.mode == Mode.SPREAD and content.not_after == content.date_to:
        return replace(content, not_after=None)
    return content


def _as_new(campaign: Campaign) -> Content:
    content, listed = content_of(campaign), campaign.list
    is_usable = listed is not None and listed.archived_at is None and listed.status in USABLE
    channel = content.channel if content.channel is not None and content.channel.is_active else None
    return replace(
        content,
        name=_copied(campaign.name),
        list=listed if is_usable else None,
        channel=channel,
        send_at=None,
        date_from=None,
        date_to=None,
        not_after=None,
    )


def _copied(name: str) -> str:
    """“Sale” becomes “Sale (2)”, and that “Sale (3)”: one can tell them apart in a list, however long they are."""
    found = _NUMBERED.fullmatch(name)
    base, number = (found[1], int(found[2]) + 1) if found else (name, 2)
    ending = f" ({number})"
    return base[: LONGEST_NAME - len(ending)] + ending


def stamp(campaign: Campaign) -> None:
    """Note how the content is read from now on: the zone of its daily window, and its version, the oldest that can say
    it. So whoever knows only the first version still understands, and seals, whatever it can say."""
    has_window = campaign.daily_from is not None
    campaign.daily_zone = campaign.workspace.time_zone if has_window else ""
    is_literal = placeholders.parse(campaign.text) == placeholders.literally(campaign.text)
    is_first = is_literal and not has_window and campaign.route is None and campaign.parts_per_second is None
    campaign.content_version = 1 if is_first and campaign.mode != Mode.TRIGGER else 2


def check(content: Content, *, zone: tzinfo, now: datetime) -> None:
    """Every rule of the content that does not need a lock; raises Refused."""
    _check_name(content.name)
    check_text(content.text)
    check_time(content, zone=zone, now=now)


def check_time(content: Content, *, zone: tzinfo, now: datetime) -> None:
    """When, and how fast; raises Refused."""
    check_times(content, now=now)
    check_hours(content, zone=zone, now=now)
    limit = content.parts_per_second
    if limit is not None and not 1 <= limit <= MOST_PARTS_PER_SECOND:
        raise Refused(
            _("parts_per_second is from 1 to %(most)s.") % {"most": f"{MOST_PARTS_PER_SECOND:,}"},
            code="bad_limit",
            field="parts_per_second",
        )


def check_text(text: str) -> None:
    if not text.strip():
        raise Refused(_("The text is empty."), code="text_missing", field="text")
    try:
        template = placeholders.parse(text)
    except ValueError as error:
        raise Refused(str(error), code="bad_placeholder", field="text") from None
    measure = gsm.measure(template.least)
    if measure.parts > settings.MAX_PARTS:
        alphabet = "UCS-2" if measure.encoding == "ucs2" else "GSM"
        said = (
            _("The text is %(parts)s %(alphabet)s parts long; the limit is %(most)s.")
            if template.is_plain
            else _("The text is at least %(parts)s %(alphabet)s parts long; the limit is %(most)s.")
        )
        raise Refused(
            said % {"parts": measure.parts, "alphabet": alphabet, "most": settings.MAX_PARTS},
            code="text_too_long",
            field="text",
        )


def check_placeholders(text: str, listed: RecipientList) -> None:
    """Each names a column of the list, which is ready; raises Refused."""
    missing = placeholders.parse(text).missing_from(listed.columns)
    if missing:
        named = ", ".join(f"“{name}”" for name in missing)
        known = ", ".join(listed.columns) or _("none beside the number")
        raise Refused(
            _("The list “%(list)s” has no column %(named)s; it has: %(known)s.")
            % {"list": listed, "named": named, "known": known},
            code="unknown_placeholder",
            field="text",
        )


def check_list(campaign: Campaign) -> None:
    """Chosen, and prepared, or none of a trigger; raises Refused."""
    if campaign.mode == Mode.TRIGGER:
        return
    if campaign.list is None:
        raise Refused(_("Choose a list of recipients."), code="list_missing", field="list")
    if campaign.list.status != ListStatus.READY:
        raise Refused(
            _("The list “%(list)s” is %(status)s, not ready.")
            % {"list": campaign.list, "status": campaign.list.get_status_display().lower()},
            code="list_not_ready",
            field="list",
        )


def check_times(content: Content, *, now: datetime) -> None:
    """The times belong to the mode, lie ahead, and stand in order; raises Refused."""
    match content.mode:
        case Mode.ON_APPROVAL:
            _refuse_given(content, "send_at", "date_from", "date_to")
        case Mode.SCHEDULED:
            _refuse_given(content, "date_from", "date_to")
            if content.send_at is None:
                raise Refused(_("Say when to send it: send_at."), code="send_at_missing", field="send_at")
            _refuse_past("send_at", content.send_at, now)
        case Mode.SPREAD:
            _refuse_given(content, "send_at")
            _check_window(content, now=now)
        case Mode.TRIGGER:
            _refuse_given(content, "send_at", "date_from", "date_to", "list")
            if content.not_after is None:
                raise Refused(_("Say until when it may send: not_after."), code="end_missing", field="not_after")
        case other:
            raise Refused(
                _("“%(other)s” is not a mode: write %(modes)s.") % {"other": other, "modes": ", ".join(Mode.values)},
                code="bad_mode",
                field="mode",
            )
    if content.not_after is not None:
        _refuse_past("not_after", content.not_after, now)
        begins = content.send_at or content.date_from
        if begins and content.not_after <= begins:
            raise Refused(
                _("The deadline (not_after) is before the campaign begins."), code="bad_deadline", field="not_after"
            )


def check_hours(content: Content, *, zone: tzinfo, now: datetime) -> None:
    """The daily window leaves time to send in; raises Refused. A start outside of it waits for the next opening."""
    if content.daily_from is None and content.daily_to is None:
        return
    if content.daily_from is None or content.daily_to is None:
        raise Refused(_("A daily window needs daily_from and daily_to."), code="daily_incomplete", field="daily_from")
    if content.daily_from == content.daily_to:
        raise Refused(
            _("daily_from and daily_to are the same time: leave both out to send all day."),
            code="bad_daily",
            field="daily_from",
        )
    for name in ("send_at", "date_from", "date_to"):
        at = getattr(content, name)
        if at is not None and at.year == MAXYEAR:  # no opening can be looked for after it
            raise Refused(_("%(name)s is too far ahead.") % {"name": name}, code="time_too_far", field=name)
    hours = Hours(content.daily_from, content.daily_to, zone)
    if content.date_from and content.date_to:
        if content.date_to - content.date_from > LONGEST_DAILY:
            raise Refused(
                _("With a daily window, a window is at most %(days)s days long.") % {"days": LONGEST_DAILY.days},
                code="window_too_long",
                field="date_to",
            )
        if hours.next_opening(content.date_from) >= content.date_to:
            raise Refused(
                _("The daily window leaves no time between date_from and date_to."),
                code="no_open_time",
                field="daily_from",
            )
    opening = hours.next_opening(content.send_at or content.date_from or now)
    if content.not_after is not None and opening >= content.not_after:
        raise Refused(
            _("The daily window leaves no time before the deadline (not_after)."),
            code="no_open_time",
            field="not_after",
        )


def _check_window(content: Content, *, now: datetime) -> None:
    if content.date_from is None or content.date_to is None:
        raise Refused(_("A spread campaign needs date_from and date_to."), code="window_missing", field="date_from")
    if content.date_to <= content.date_from:
        raise Refused(_("date_to is not after date_from."), code="bad_window", field="date_to")
    _refuse_past("date_from", content.date_from, now)
    if content.not_after is not None and content.not_after < content.date_to:
        raise Refused(
            _("The deadline (not_after) is before the window ends (date_to)."), code="bad_deadline", field="not_after"
        )


def _refuse_given(content: Content, *names: str) -> None:
    for name in names:
        if getattr(content, name) is not None:
            raise Refused(
                _("%(name)s does not belong to the mode “%(mode)s”.")
                % {"name": name, "mode": Mode(content.mode).label},
                code="wrong_time_field",
                field=name,
            )


def _refuse_past(name: str, at: datetime, now: datetime) -> None:
    if at <= now:
        raise Refused(_("%(name)s is in the past.") % {"name": name}, code="time_in_the_past", field=name)


def _fill(campaign: Campaign, content: Content, *, by: User, now: datetime) -> None:
    check(content, zone=campaign.workspace.zone, now=now)
    if content.list is not None:
        listed = _check_list(content.list.pk, is_new=content.list.pk != campaign.list_id)
        if listed.status == ListStatus.READY:  # else its columns are not known before it is submitted
            check_placeholders(content.text, listed)
    campaign.revision = _revision_of(content.sender)
    _put(campaign, content, by=by, now=now)


def _revision_of(sender: Sender) -> Revision:
    revision = sender.current
    if revision is None or not Sender.objects.usable().filter(pk=sender.pk).exists():
        raise Refused(
            _("The sender “%(sender)s” has no approved revision.") % {"sender": sender},
            code="sender_not_approved",
            field="sender",
        )
    return revision


def _put(campaign: Campaign, content: Content, *, by: User, now: datetime) -> None:
    channel = carriers.chosen(channel=content.channel, route=content.route)
    for name in AS_GIVEN:
        setattr(campaign, name, getattr(content, name))
    campaign.name = content.name.strip()
    campaign.channel = channel
    stamp(campaign)
    if content.mode == Mode.SPREAD and content.not_after is None:
        campaign.not_after = content.date_to
    campaign.edited_by, campaign.edited_at = by, now
    campaign.save()


def _editable(campaign_id: int) -> Campaign:
    """Locked; raises Refused when it is no draft."""
    campaign = Campaign.objects.lock(campaign_id)
    if campaign.status not in EDITABLE:
        raise Refused(
            _("%(campaign)s is %(status)s: only a draft is edited.")
            % {"campaign": campaign, "status": campaign.get_status_display().lower()},
            code="wrong_status",
        )
    return campaign


def _check_name(name: str) -> None:
    if not name.strip():
        raise Refused(_("A campaign needs a name."), code="name_missing", field="name")


def _check_step(content: Content, changes: Mapping[str, Any], *, campaign: Campaign, now: datetime) -> None:
    if "name" in changes:
        _check_name(content.name)
    if "text" in changes and content.text.strip():
        check_text(content.text)
        if content.list is not None and content.list.status == ListStatus.READY:
            check_placeholders(content.text, content.list)
    if "list" in changes and content.list is not None:
        if content.mode == Mode.TRIGGER:
            _refuse_given(content, "list")
        _check_list(content.list.pk, is_new=content.list.pk != campaign.list_id)
    if changes.keys() & TIMES:
        try:
            check_time(content, zone=campaign.workspace.zone, now=now)
        except Refused as refusal:
            if refusal.code not in MISSING:
                raise


def _check_list(list_id: int, *, is_new: bool) -> RecipientList:
    """Under its lock: a list cannot be deleted while a campaign is given it."""
    listed = RecipientList.objects.lock(list_id)
    if listed.status == ListStatus.DELETED:
        raise Refused(
            _("The list “%(list)s” is deleted: choose another one.") % {"list": listed},
            code="list_deleted",
            field="list",
        )
    if is_new and listed.archived_at is not None:
        raise Refused(
            _("The list “%(list)s” is archived: restore it first.") % {"list": listed},
            code="list_archived",
            field="list",
        )
    return listed


def _shown(campaign: Campaign) -> dict[str, Any]:
    """The content for the ledger: the text by its digest only."""
    return {
        "name": campaign.name,
        "mode": str(campaign.mode),
        "text_sha256": hashlib.sha256(campaign.text.encode()).hexdigest(),
        "sender": campaign.sender_id,
        "revision": campaign.revision.number,
        "list": campaign.list_id,
        "channel": campaign.channel_id,
        "send_at": campaign.send_at,
        "date_from": campaign.date_from,
        "date_to": campaign.date_to,
        "not_after": campaign.not_after,
        "route": campaign.route_id,
        "daily_from": campaign.daily_from and campaign.daily_from.isoformat(),
        "daily_to": campaign.daily_to and campaign.daily_to.isoformat(),
        "daily_zone": campaign.daily_zone,
        "parts_per_second": campaign.parts_per_second,
    }
