"""What a moderator should know of a campaign before judging it, each in a sentence that says why."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from accounts.templatetags.pages import moment
from audit.refusal import Refused
from audit.wording import worded
from campaigns import carriers, eyes, gsm, schedule
from campaigns.hours import Hours
from campaigns.models import Campaign
from campaigns.preview import Preview
from campaigns.statuses import Mode, Status
from moderation import approvals, curve, terms
from moderation.audience import LOOKED_AT, TIMES, Used, Usual
from moderation.decisions import time_has_passed
from moderation.links import Doubt, Link
from moderation.models import BlockedTerm
from recipients import stop_words
from senders.statuses import RevisionStatus, SenderStatus

SOON = timedelta(minutes=15)
TIGHT = timedelta(hours=1)
NIGHT_FROM, NIGHT_TO = time(21), time(8)
OLD_LIST = timedelta(days=30)
MANY_SUPPRESSED = 10  # per cent of the file's rows
# How a text says that one may leave, beside the words of the workspace themselves; read as `terms` reads.
LEAVING = ("stop*", "unsub*", "opt out", "optout*", "отпис*", "отказ*", "стоп*", "toxta*", "тўхта*", "bekor*", "бекор*")


class Weight(StrEnum):
    STOP = "stop"  # it will be refused, or should not be approved
    LOOK = "look"  # look twice
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Concern:
    weight: Weight
    text: str


def of(
    campaign: Campaign, *, reader: User, seen: Preview, links: Iterable[Link], usual: Usual, used: Used, now: datetime
) -> list[Concern]:
    """The heaviest first."""
    found = [
        *_obstacles(campaign, reader),
        *_second(campaign, reader, now),
        *_haste(campaign, now),
        *_waiting(campaign, seen, now),
        *_night(campaign, seen, now),
        *_blocked(campaign),
        *_links(links),
        *_strangers(campaign, usual, used),
        *_alphabet(campaign, seen),
        *_leaving(campaign),
        *_list(campaign, now),
    ]
    return sorted(found, key=lambda concern: list(Weight).index(concern.weight))


def _obstacles(campaign: Campaign, reader: User) -> Iterator[Concern]:
    """What the verb will refuse for, told before the button is pressed."""
    if eyes.is_own(campaign, reader):
        yield Concern(Weight.STOP, _("You wrote or last edited this campaign: somebody else must judge it."))
    elif reader.pk in eyes.writers_of(campaign):
        yield Concern(Weight.LOOK, _("You wrote or last edited it. You may judge it here, and the decision says so."))
    if campaign.sender.status != SenderStatus.APPROVED or campaign.revision.status != RevisionStatus.APPROVED:
        text = _("The sender “%(sender)s” is not approved any more.") % {"sender": campaign.sender}
        yield Concern(Weight.STOP, text)
    try:
        carriers.check_can_carry(campaign)
    except Refused as refusal:
        yield Concern(Weight.STOP, refusal.message)


def _second(campaign: Campaign, reader: User, now: datetime) -> Iterator[Concern]:
    """Two must approve it, or its approval will be out of date before it begins."""
    if eyes.wants_two(campaign):
        voted = [decision.by for decision in approvals.given(campaign, now=now)]
        if approvals.has_voted(campaign, reader, now=now):
            yield Concern(Weight.STOP, _("You have approved it: now another moderator must, too."))
        elif voted:
            text = _("Two moderators must approve it, and %(who)s has. With your approval it is approved.")
            yield Concern(Weight.NOTE, text % {"who": voted[0].get_short_name()})
        else:
            yield Concern(Weight.NOTE, _("So many recipients that two moderators must approve it. You are the first."))
    begins, days = schedule.begin_of(campaign), campaign.workspace.approval_days
    if begins and days is not None and begins > now + timedelta(days=days):
        text = ngettext(
            "An approval stands for %(days)d day here: this one will be out of date before it begins.",
            "An approval stands for %(days)d days here: this one will be out of date before it begins.",
            days,
        )
        yield Concern(Weight.LOOK, text % {"days": days})


def _haste(campaign: Campaign, now: datetime) -> Iterator[Concern]:
    if campaign.status == Status.MISSED and campaign.stopped_because:
        yield Concern(Weight.STOP, worded(campaign.stopped_because))
        return
    if campaign.status == Status.MISSED:
        text = _("Its time passed before it was approved. Nothing was sent, and nothing is until you act.")
        yield Concern(Weight.STOP, text)
        return
    if time_has_passed(campaign, now):
        text = _(
            "Its time has passed. Approved now, it becomes Missed and nothing is sent until a moderator acts again."
        )
        yield Concern(Weight.STOP, text)
        return
    begins = schedule.begin_of(campaign)
    if begins and begins - now < SOON:
        yield Concern(Weight.LOOK, _("It starts in less than a quarter of an hour."))
    if campaign.not_after and campaign.not_after - (schedule.waits_until(campaign, now=now) or begins or now) < TIGHT:
        text = _("There is less than an hour between its start and its deadline: the rest will expire unsent.")
        yield Concern(Weight.LOOK, text)


def _waiting(campaign: Campaign, seen: Preview, now: datetime) -> Iterator[Concern]:
    """What makes it slower than its times say."""
    if opening := schedule.waits_until(campaign, now=now):
        text = _("It begins outside its daily window (%(window)s): the first message leaves at %(at)s.")
        yield Concern(Weight.LOOK, text % {"window": campaign.daily_window, "at": moment(opening)})
    if campaign.mode == Mode.SPREAD and campaign.parts_per_second and campaign.date_from and campaign.date_to:
        seconds = campaign.hours.open_seconds(campaign.date_from, campaign.date_to)
        if audience_of(campaign) * seen.measure.parts > campaign.parts_per_second * seconds:
            text = _("Its own limit is lower than the pace of its window: it will not be through by the end.")
            yield Concern(Weight.LOOK, text)


def _night(campaign: Campaign, seen: Preview, now: datetime) -> Iterator[Concern]:
    """Some of it goes out while people sleep, by the clock of the workspace."""
    drawn = expected(campaign, seen, now=now)
    begins = drawn.begins_at if drawn else max(now, schedule.begin_of(campaign) or now)
    ends = drawn.ends_at if drawn else begins + timedelta(minutes=1)
    night = Hours(NIGHT_FROM, NIGHT_TO, campaign.workspace.zone)
    # A campaign of months has a night in its first days, or never.
    for opens, closes in campaign.hours.intervals(begins, min(ends, begins + timedelta(days=8))):
        if asleep := night.intervals(opens, closes):
            text = _("Messages go out at night: from %(at)s on, in %(zone)s. Night is from 21:00 to 08:00.")
            values = {"at": moment(asleep[0][0]), "zone": campaign.workspace.time_zone}
            yield Concern(Weight.LOOK, text % values)
            return


def expected(campaign: Campaign, seen: Preview, *, now: datetime) -> curve.Curve | None:
    """When it would be sent, approved now: over its window, or as fast as its limit and the channel let it."""
    if campaign.mode == Mode.SPREAD and campaign.date_from and campaign.date_to:
        return curve.spread(campaign.date_from, campaign.date_to, campaign.hours)
    begins = max(now, schedule.begin_of(campaign) or now)
    rates = [rate for rate in (campaign.parts_per_second, campaign.channel.tps) if rate]
    parts = audience_of(campaign) * seen.measure.parts
    return curve.at_rate(begins, parts, min(rates, default=0), campaign.hours)


def _blocked(campaign: Campaign) -> Iterator[Concern]:
    rows = {row.term: row.why for row in BlockedTerm.objects.for_workspace(campaign.workspace_id).order_by("pk")}
    for found in terms.find(campaign.text, rows):
        values = {"said": campaign.text[found.begin : found.end], "term": found.term, "why": rows[found.term]}
        text = _("A blocked term: “%(said)s” (%(term)s). %(why)s") % values
        yield Concern(Weight.LOOK, text.strip())


def _links(links: Iterable[Link]) -> Iterator[Concern]:
    for link in links:
        for doubt in link.doubts:
            yield Concern(Weight.LOOK, doubt_text(doubt) % {"domain": link.domain, "like": link.like})


def doubt_text(doubt: Doubt) -> str:
    return {
        Doubt.DECODED: _("A link is written in another alphabet's code (xn--): people may see %(domain)s."),
        Doubt.LOOKS_LIKE: _("The domain %(domain)s looks like %(like)s, and is another one."),
        Doubt.MIXED: _("The domain %(domain)s mixes letters of several alphabets."),
        Doubt.USER: _("A link has something before an @: it leads to %(domain)s, whatever stands in front."),
        Doubt.SHORTENER: _("%(domain)s shortens links: nobody sees where it leads, and that can be changed later."),
        Doubt.ADDRESS: _("A link leads to a bare address (%(domain)s), not to a domain."),
        Doubt.VARIES: _("Where a link leads depends on the recipient: %(domain)s."),
        Doubt.UNREADABLE: _("A link cannot be read: %(domain)s."),
    }[doubt]


def _strangers(campaign: Campaign, usual: Usual, used: Used) -> Iterator[Concern]:
    if campaign.sender_id not in used.senders:
        text = _("The first campaign of the sender “%(sender)s”.") % {"sender": campaign.sender}
        yield Concern(Weight.LOOK, text)
    elif campaign.revision_id not in used.revisions:
        text = _("The first campaign with revision %(number)d of the sender “%(sender)s”.")
        yield Concern(Weight.LOOK, text % {"sender": campaign.sender, "number": campaign.revision.number})
    if usual.is_exceeded_by(audience_of(campaign)):
        yield Concern(Weight.LOOK, above_usual(campaign, usual))


def above_usual(campaign: Campaign, usual: Usual) -> str:
    text = _(
        "An audience above the usual: %(audience)s is more than %(times)d times %(median)s, the median of the last"
        " %(campaigns)d campaigns that this workspace has sent (at most %(most)d are looked at)."
    )
    return text % {
        "audience": intcomma(audience_of(campaign)),
        "times": TIMES,
        "median": intcomma(usual.median),
        "campaigns": usual.campaigns,
        "most": LOOKED_AT,
    }


def _alphabet(campaign: Campaign, seen: Preview) -> Iterator[Concern]:
    """What one character costs that the GSM alphabet has not."""
    if seen.measure.encoding == "gsm7":
        return
    least = campaign.template.least
    otherwise = gsm.count_parts("".join(c if c in gsm.SEPTETS else "?" for c in least))
    more = (seen.measure.parts - otherwise) * audience_of(campaign)
    values = {
        "character": seen.measure.first_foreign,
        "parts": seen.measure.parts,
        "otherwise": otherwise,
        "more": intcomma(more),
    }
    if more:
        text = _(
            "Unicode because of “%(character)s”: %(parts)d parts each instead of %(otherwise)d, %(more)s parts more in"
            " all."
        )
        yield Concern(Weight.LOOK, text % values)
    else:
        text = _("Unicode because of “%(character)s”. It costs no more parts than the GSM alphabet would.")
        yield Concern(Weight.NOTE, text % values)


def _leaving(campaign: Campaign) -> Iterator[Concern]:
    own = stop_words.of(campaign.workspace)
    if not terms.find(campaign.text, (*LEAVING, *own)):
        yield Concern(Weight.LOOK, _("The text does not say how to opt out."))


def _list(campaign: Campaign, now: datetime) -> Iterator[Concern]:
    listed = campaign.list
    if listed is None:
        return
    share = 100 * listed.suppressed // listed.rows if listed.rows else 0
    if share >= MANY_SUPPRESSED:
        text = _("%(share)d %% of the file's rows are suppressed: many of these people have asked to get nothing.")
        yield Concern(Weight.LOOK, text % {"share": share})
    if listed.ready_at and now - listed.ready_at > OLD_LIST:
        days = (now - listed.ready_at).days
        text = ngettext("The list is %(days)d day old.", "The list is %(days)d days old.", days)
        yield Concern(Weight.LOOK, text % {"days": days})


def audience_of(campaign: Campaign) -> int:
    return campaign.list.accepted if campaign.list else 0
