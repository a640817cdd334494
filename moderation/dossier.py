"""Everything that a moderator needs to see of a campaign before judging it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.models import User
from accounts.templatetags.pages import moment
from audit.refusal import Refused
from campaigns import carriers, preview, schedule
from campaigns.models import Campaign
from campaigns.preview import Preview
from campaigns.statuses import Mode, Status
from moderation.decisions import time_has_passed
from moderation.models import Decision
from recipients import sample as sampling
from recipients.chunks import ChunkDamaged
from senders.statuses import RevisionStatus, SenderStatus

SOON = timedelta(minutes=15)
TIGHT = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """`messages` is how many message parts the carrier will be handed when everybody on the list gets the text: at
    least, where the text is another one for each of them."""

    campaign: Campaign
    preview: Preview
    messages: int
    sample: list[str]
    warnings: list[str]
    decisions: list[Decision]


def dossier(campaign: Campaign, *, reader: User, now: datetime) -> Dossier:
    seen = preview.of(campaign)
    sample, damage = _sample(campaign)
    return Dossier(
        campaign=campaign,
        preview=seen,
        messages=seen.measure.parts * campaign.list.accepted if campaign.list else 0,
        sample=sample,
        warnings=[*damage, *_obstacles(campaign, reader), *_haste(campaign, now), *_waiting(campaign, seen, now)],
        decisions=list(Decision.objects.about(campaign.pk)),
    )


def _sample(campaign: Campaign) -> tuple[list[str], list[str]]:
    try:
        return (sampling.sample(campaign.list) if campaign.list else []), []
    except (ChunkDamaged, OSError):
        return [], ["The list cannot be read from storage, or is not what was uploaded. Do not approve this."]


def _obstacles(campaign: Campaign, reader: User) -> list[str]:
    """What the verb will refuse for, told before the button is pressed."""
    found = []
    if campaign.workspace.four_eyes and reader.pk in {campaign.created_by_id, campaign.edited_by_id}:
        found.append("You wrote or last edited this campaign: somebody else must judge it.")
    if campaign.sender.status != SenderStatus.APPROVED or campaign.revision.status != RevisionStatus.APPROVED:
        found.append(f"The sender “{campaign.sender}” is not approved any more.")
    try:
        carriers.check_can_carry(campaign)
    except Refused as refusal:
        found.append(refusal.message)
    return found


def _haste(campaign: Campaign, now: datetime) -> list[str]:
    if campaign.status == Status.MISSED:
        return ["Its time passed before it was approved. Nothing was sent, and nothing is until you act."]
    if time_has_passed(campaign, now):
        return [
            "Its time has passed. Approved now, it becomes Missed and nothing is sent until a moderator acts again."
        ]
    found = []
    begins = schedule.begin_of(campaign)
    if begins and begins - now < SOON:
        found.append("It starts in less than a quarter of an hour.")
    if campaign.not_after and campaign.not_after - (schedule.waits_until(campaign, now=now) or begins or now) < TIGHT:
        found.append("There is less than an hour between its start and its deadline: the rest will expire unsent.")
    return found


def _waiting(campaign: Campaign, seen: Preview, now: datetime) -> list[str]:
    """What makes it slower than its times say."""
    found = []
    if opening := schedule.waits_until(campaign, now=now):
        found.append(
            f"It begins outside its daily window ({campaign.daily_window}): the first message leaves at"
            f" {moment(opening)}."
        )
    if campaign.mode == Mode.SPREAD and campaign.parts_per_second and campaign.date_from and campaign.date_to:
        seconds = campaign.hours.open_seconds(campaign.date_from, campaign.date_to)
        accepted = campaign.list.accepted if campaign.list else 0
        if accepted * seen.measure.parts > campaign.parts_per_second * seconds:
            found.append("Its own limit is lower than the pace of its window: it will not be through by the end.")
    return found
