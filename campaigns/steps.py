"""The steps in which a campaign is written, and what each of them still lacks."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from audit.refusal import Refused
from campaigns import carriers, drafts
from campaigns.models import Campaign
from campaigns.statuses import Mode
from recipients.statuses import Status as ListStatus
from senders.models import Sender


class Step(TextChoices):
    MODE = "mode", gettext_lazy("Mode")
    MESSAGE = "message", gettext_lazy("Message")
    RECIPIENTS = "recipients", gettext_lazy("Recipients")
    TIME = "time", gettext_lazy("Time")
    REVIEW = "review", gettext_lazy("Review")

    @property
    def number(self) -> int:
        return list(Step).index(self) + 1

    @property
    def next(self) -> "Step":
        return list(Step)[min(self.number, len(Step) - 1)]

    @property
    def previous(self) -> "Step":
        return list(Step)[max(self.number - 2, 0)]


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """`trouble` says what the step lacks, or what has become wrong with it; empty when it is complete."""

    step: Step
    trouble: str
    is_current: bool

    @property
    def is_done(self) -> bool:
        return not self.trouble


def steps_of(campaign: Campaign | None) -> list[Step]:
    """A trigger has no list: whom it goes to is said message by message."""
    is_trigger = campaign is not None and campaign.mode == Mode.TRIGGER
    return [step for step in Step if not (is_trigger and step == Step.RECIPIENTS)]


def states(campaign: Campaign | None, *, current: Step, now: datetime) -> list[State]:
    """Of each step; a campaign that is not begun lacks everything."""
    lacking = _("Not yet.")
    return [
        State(
            step=step,
            trouble=trouble_with(campaign, step, now=now) if campaign else lacking,
            is_current=step == current,
        )
        for step in steps_of(campaign)
    ]


def first_open(campaign: Campaign, *, now: datetime) -> Step:
    """Where to go on: the review, when nothing is missing before it."""
    return next((step for step in Step if step == Step.REVIEW or trouble_with(campaign, step, now=now)), Step.REVIEW)


def trouble_with(campaign: Campaign, step: Step, *, now: datetime) -> str:
    try:
        _check(campaign, step, now=now)
    except Refused as refusal:
        return refusal.message
    return ""


def _check(campaign: Campaign, step: Step, *, now: datetime) -> None:
    match step:
        case Step.MODE:
            return
        case Step.MESSAGE:
            drafts.check_text(campaign.text)
            if campaign.list is not None and campaign.list.status == ListStatus.READY:
                drafts.check_placeholders(campaign.text, campaign.list)
            if not Sender.objects.usable().filter(pk=campaign.sender_id).exists():
                raise Refused(
                    _("The sender “%(sender)s” has no approved revision.") % {"sender": campaign.sender},
                    code="sender_not_approved",
                )
        case Step.RECIPIENTS:
            drafts.check_list(campaign)
        case Step.TIME:
            drafts.check_time(drafts.content_of(campaign), zone=campaign.workspace.zone, now=now)
            carriers.check_can_carry(campaign)
        case Step.REVIEW:
            for earlier in list(Step)[:-1]:
                _check(campaign, earlier, now=now)
