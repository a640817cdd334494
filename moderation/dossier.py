"""Everything that a moderator needs to see of a campaign before judging it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.models import User
from campaigns import gsm
from campaigns.gsm import Measure
from campaigns.models import Campaign
from campaigns.statuses import Status
from moderation.decisions import time_has_passed
from moderation.models import Decision
from recipients import sample as sampling
from recipients.chunks import ChunkDamaged
from senders.statuses import RevisionStatus, SenderStatus

SOON = timedelta(minutes=15)
TIGHT = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """`messages` is how many message parts the carrier will be handed when everybody on the list gets the text."""

    campaign: Campaign
    measure: Measure
    messages: int
    sample: list[str]
    warnings: list[str]
    decisions: list[Decision]


def dossier(campaign: Campaign, *, reader: User, now: datetime) -> Dossier:
    measure = gsm.measure(campaign.text)
    sample, damage = _sample(campaign)
    return Dossier(
        campaign=campaign,
        measure=measure,
        messages=measure.parts * campaign.list.accepted if campaign.list else 0,
        sample=sample,
        warnings=[*damage, *_obstacles(campaign, reader), *_haste(campaign, now)],
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
    if not campaign.channel.is_active:
        found.append(f"The channel “{campaign.channel}” is switched off.")
    return found


def _haste(campaign: Campaign, now: datetime) -> list[str]:
    if campaign.status == Status.MISSED:
        return ["Its time passed before it was approved. Nothing was sent, and nothing is until you act."]
    if time_has_passed(campaign, now):
        return [
            "Its time has passed. Approved now, it becomes Missed and nothing is sent until a moderator acts again."
        ]
    found = []
    begins = campaign.send_at or campaign.date_from
    if begins and begins - now < SOON:
        found.append("It starts in less than a quarter of an hour.")
    if campaign.not_after and campaign.not_after - (begins or now) < TIGHT:
        found.append("There is less than an hour between its start and its deadline: the rest will expire unsent.")
    return found
