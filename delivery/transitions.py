"""The clock and the dispatcher move a campaign: one function per verb."""

from collections.abc import Mapping
from datetime import datetime

from django.conf import settings
from django.db import transaction

from audit.ledger import change_status, change_statuses, record
from audit.refusal import Refused
from campaigns import seal, trials
from campaigns.models import Campaign
from campaigns.statuses import MOVES, Mode, Status
from delivery import counters, pacing, reasons
from delivery.models import Chunk
from delivery.statuses import ACCEPTED, ChunkStatus
from recipients.chunks import Manifest
from recipients.statuses import Status as ListStatus
from senders.statuses import RevisionStatus, SenderStatus

NOT_BALANCED = "not_balanced"


@transaction.atomic
def start(campaign_id: int, manifest: Manifest | None, *, now: datetime) -> Campaign:
    """Its time has come: check once more what was approved, lay out the chunks, and let it go. A trigger has no
    manifest, and its chunks come with its messages.

    Too late, it becomes MISSED; changed since its approval, FAILED. Raises Refused when it is not APPROVED any more.
    """
    campaign = Campaign.objects.lock(campaign_id)
    if campaign.status != Status.APPROVED:
        raise Refused(f"{campaign} is {campaign.get_status_display().lower()}, not approved.", code="wrong_status")
    if is_too_late(campaign, now):
        change_status(campaign, Status.MISSED, moves=MOVES, by=None, note=reasons.TIME_PASSED)
        return campaign
    if wrong := what_differs(campaign, manifest):
        return _fail(campaign, wrong, now=now)
    campaign.started_at = now
    change_status(campaign, Status.SENDING, moves=MOVES, by=None, also_save=["started_at"])
    Chunk.objects.bulk_create(_chunks(campaign, manifest, now=now), batch_size=1000)
    return campaign


@transaction.atomic
def start_together(manifests: Mapping[int, Manifest | None], *, now: datetime) -> tuple[list[Campaign], list[Campaign]]:
    """Campaigns of one workspace, by id, whose time has come together: those that started, and those that cannot just
    so, which are left to `start`. What somebody else has locked is in good hands."""
    started: list[Campaign] = []
    left: list[Campaign] = []
    for campaign in Campaign.objects.lock_free(manifests).filter(status=Status.APPROVED):
        is_fit = not is_too_late(campaign, now) and not what_differs(campaign, manifests[campaign.pk])
        (started if is_fit else left).append(campaign)
        campaign.started_at = now
    change_statuses(started, Status.SENDING, moves=MOVES, by=None, also_save=["started_at"])
    chunks = (chunk for campaign in started for chunk in _chunks(campaign, manifests[campaign.pk], now=now))
    Chunk.objects.bulk_create(chunks, batch_size=1000)
    return started, left


@transaction.atomic
def miss(campaign_id: int, *, now: datetime) -> Campaign:
    campaign = Campaign.objects.lock(campaign_id)
    change_status(campaign, Status.MISSED, moves=MOVES, by=None, note=reasons.TIME_PASSED)
    return campaign


@transaction.atomic
def finish(campaign_id: int, *, now: datetime) -> Campaign:
    """Every recipient's dispatch has ended, and receipts go on arriving. Refused while the equation does not hold."""
    campaign = Campaign.objects.lock(campaign_id)
    if campaign.mode == Mode.TRIGGER or _has_unfinished_chunks(campaign):  # a trigger goes on until its end
        raise Refused(f"{campaign} has open chunks.", code="not_done")
    return _finish(campaign, now=now)


@transaction.atomic
def expire(campaign_id: int, *, now: datetime) -> Campaign:
    """The deadline has passed: what is unsent stays unsent. With nothing unsent it is done, not expired."""
    campaign = Campaign.objects.lock(campaign_id)
    if campaign.not_after is None or campaign.not_after > now:
        raise Refused(f"The deadline of {campaign} has not passed.", code="not_expired")
    is_laid_out = campaign.mode == Mode.TRIGGER or Chunk.objects.filter(campaign=campaign).exists()
    if is_laid_out and not _has_unfinished_chunks(campaign):
        if campaign.status == Status.PAUSED:
            change_status(campaign, Status.SENDING, moves=MOVES, by=None, note=reasons.ALL_HANDED_OVER)
        return _finish(campaign, now=now)
    campaign.finished_at = now
    change_status(campaign, Status.EXPIRED, moves=MOVES, by=None, also_save=["finished_at"])
    return campaign


@transaction.atomic
def fail(campaign_id: int, *, reason: str, now: datetime) -> Campaign:
    """The system stops it: going on would send something else than was approved."""
    return _fail(Campaign.objects.lock(campaign_id), reason, now=now)


@transaction.atomic
def plan_again(campaign_id: int, *, now: datetime) -> None:
    """After a pause, what is left of a spread campaign goes evenly into the open hours that are left of its window.

    When none are and the deadline has not passed, what is left is due at once, or when the next ones begin.
    """
    campaign = Campaign.objects.lock(campaign_id)
    if campaign.status != Status.SENDING or campaign.date_to is None:
        return
    chunks = list(
        Chunk.objects.select_for_update(of=("self",), no_key=True).filter(campaign=campaign).open().order_by("number")
    )
    left = [chunk for chunk in chunks if chunk.intended < chunk.count]
    if not left:
        return
    end = pacing.line_end(now, max(now, campaign.date_to), not_after=campaign.not_after)
    time = pacing.allowed(campaign.hours, begin=now, end=end)
    pieces = pacing.lines([(chunk.intended, chunk.count - chunk.intended) for chunk in left], time)
    for chunk, line in zip(left, pieces, strict=True):
        chunk.plan_from, chunk.plan_until, chunk.plan_first = line.begin, line.end, line.first
    Chunk.objects.bulk_update(left, ["plan_from", "plan_until", "plan_first"], batch_size=1000)
    record("campaign.planned", campaign, by=None, after={"from": time.begin, "to": time.end, "chunks": len(left)})


def is_too_late(campaign: Campaign, now: datetime) -> bool:
    """The grace is over, or the deadline has passed."""
    due_at = campaign.due_at
    return bool((due_at and now > due_at + settings.START_GRACE) or (campaign.not_after and campaign.not_after <= now))


def what_differs(campaign: Campaign, manifest: Manifest | None = None) -> str:
    """What is not as it was approved, in a sentence; empty when everything is."""
    if seal.of(campaign) != campaign.seal:
        return reasons.CONTENT_DIFFERS
    listed = campaign.list
    if campaign.mode != Mode.TRIGGER and (listed is None or listed.status != ListStatus.READY):
        return reasons.LIST_NOT_READY
    if listed and manifest and (manifest.digest, manifest.count) != (listed.digest, listed.accepted):
        return reasons.LIST_DIFFERS
    if campaign.sender.status != SenderStatus.APPROVED or campaign.revision.status != RevisionStatus.APPROVED:
        return reasons.SENDER_NOT_APPROVED % {"sender": campaign.sender}
    return trials.what_forbids(campaign) if campaign.trial_of_id is not None else ""


def _has_unfinished_chunks(campaign: Campaign) -> bool:
    return Chunk.objects.filter(campaign=campaign).exclude(status=ChunkStatus.DONE).exists()


def _finish(campaign: Campaign, *, now: datetime) -> Campaign:
    totals = counters.totals(campaign)
    if totals.waiting or not totals.balanced:
        raise Refused(_unequal(campaign, totals), code=NOT_BALANCED)
    campaign.finished_at = now
    change_status(campaign, Status.DONE, moves=MOVES, by=None, also_save=["finished_at"])
    return campaign


def _unequal(campaign: Campaign, totals: counters.Totals) -> str:
    counted = sum(getattr(totals, term) for term in ACCEPTED)
    said = {"campaign": campaign, "accepted": totals.accepted, "counted": counted, "waiting": totals.waiting}
    return reasons.NOT_BALANCED % said


def _fail(campaign: Campaign, reason: str, *, now: datetime) -> Campaign:
    campaign.finished_at, campaign.stopped_because = now, reason
    change_status(
        campaign, Status.FAILED, moves=MOVES, by=None, note=reason, also_save=["finished_at", "stopped_because"]
    )
    return campaign


def _chunks(campaign: Campaign, manifest: Manifest | None, *, now: datetime) -> list[Chunk]:
    made, first = [], 0
    for entry in manifest.entries if manifest else ():
        made.append(
            Chunk(
                campaign=campaign,
                number=entry.number,
                first=first,
                count=entry.count,
                key=entry.key,
                sha256=entry.sha256,
            )
        )
        first += entry.count
    if campaign.mode == Mode.SPREAD and campaign.date_from and campaign.date_to:
        begin = max(now, campaign.date_from)
        end = pacing.line_end(begin, campaign.date_to, not_after=campaign.not_after)
        time = pacing.allowed(campaign.hours, begin=begin, end=end)
        pieces = pacing.lines([(0, chunk.count) for chunk in made], time)
        for chunk, line in zip(made, pieces, strict=True):
            chunk.plan_from, chunk.plan_until = line.begin, line.end
    return made
