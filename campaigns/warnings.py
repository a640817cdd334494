"""What speaks against a campaign as it is written: for its author at the review, in sentences."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from statistics import median

from django.utils.translation import gettext as _

from campaigns import gsm, lookalikes, message, schedule
from campaigns.hours import Hours
from campaigns.models import Campaign
from campaigns.statuses import Mode
from recipients import stop_words

MORNING, EVENING = time(8), time(21)
USUAL = 20  # campaigns that say what is usual
UNUSUAL = 3  # times the median of these


@dataclass(frozen=True, slots=True, kw_only=True)
class Warning:
    """`step` is where it can be mended."""

    text: str
    step: str


def about(campaign: Campaign, *, now: datetime) -> list[Warning]:
    found = [*_of_text(campaign), *_of_sender(campaign), *_of_audience(campaign), *_of_hours(campaign, now)]
    return [Warning(text=text, step=step) for text, step in found]


def _of_text(campaign: Campaign) -> list[tuple[str, str]]:
    found = []
    text = campaign.template.least
    measure = gsm.measure(text)
    if measure.encoding == "ucs2":
        foreign = lookalikes.foreign_in(text)
        plain = gsm.count_parts(lookalikes.replaced(text, [one.character for one in foreign]))
        named = " ".join(f"“{one.shown}”" for one in foreign[:5])
        said = _("The text is Unicode because of %(named)s: a part takes 70 characters instead of 160.")
        if plain < measure.parts:
            said = _("The text is Unicode because of %(named)s: that costs %(parts)s parts instead of %(plain)s.")
        found.append((said % {"named": named, "parts": measure.parts, "plain": plain}, "message"))
    if text.strip() and not message.has_opt_out(campaign.text, stop_words.of(campaign.workspace)):
        found.append((_("The text does not say how to opt out, for example “Reply STOP”."), "message"))
    return found


def _of_sender(campaign: Campaign) -> list[tuple[str, str]]:
    before = Campaign.objects.of(campaign.workspace).filter(sender=campaign.sender_id, started_at__isnull=False)
    if before.exists():
        return []
    return [(_("Nothing was ever sent with the sender “%(sender)s”.") % {"sender": campaign.sender}, "message")]


def _of_audience(campaign: Campaign) -> list[tuple[str, str]]:
    if campaign.list is None:
        return []
    sent = Campaign.objects.of(campaign.workspace).filter(started_at__isnull=False, list__isnull=False).order_by("-pk")
    usual = list(sent.values_list("list__accepted", flat=True)[:USUAL])
    if len(usual) < 3 or campaign.list.accepted <= UNUSUAL * median(usual):
        return []
    said = _("%(count)s recipients are unusually many: your last campaigns went to about %(usual)s.")
    return [(said % {"count": f"{campaign.list.accepted:,}", "usual": f"{round(median(usual)):,}"}, "recipients")]


def _of_hours(campaign: Campaign, now: datetime) -> list[tuple[str, str]]:
    """Whether it may reach somebody at night, by the clocks of the workspace."""
    begins = schedule.begin_of(campaign)
    if begins is None or campaign.daily_from is not None:
        return []
    night = Hours(EVENING, MORNING, campaign.workspace.zone)
    ends = campaign.date_to if campaign.mode == Mode.SPREAD and campaign.date_to else begins + timedelta(seconds=1)
    if not night.intervals(begins, min(ends, begins + timedelta(days=2))):
        return []
    said = _("It sends between %(evening)s and %(morning)s, when people sleep.")
    return [(said % {"evening": f"{EVENING:%H:%M}", "morning": f"{MORNING:%H:%M}"}, "time")]
