"""What delivery leaves behind of a campaign: chunks, intents, messages and tallies, as the dispatcher writes them."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from campaigns.models import Campaign
from delivery import tallies
from delivery.models import Chunk, Doubt, Intent, Message
from delivery.statuses import ChunkStatus, ErrorKind, MessageState
from delivery.tallies import standing
from recipients.listing import listing_of

DELIVERED = {"state": MessageState.DELIVERED, "accepted_mask": 1, "delivered_mask": 1}
PENDING = {"state": MessageState.PENDING, "accepted_mask": 1}
REFUSED = {"state": MessageState.FAILED, "error_kind": ErrorKind.ANSWER, "error_code": 0x0B}
UNDELIVERABLE = {
    "state": MessageState.FAILED,
    "accepted_mask": 1,
    "failed_mask": 1,
    "error_kind": ErrorKind.RECEIPT,
    "error_code": 5 * 100_000 + 34,
}
UNANSWERED = {"state": MessageState.UNCERTAIN}
UNRECEIPTED = {"state": MessageState.NO_RECEIPT, "accepted_mask": 1}
TO_RETRY = {"state": MessageState.RETRY, "error_kind": ErrorKind.ANSWER, "error_code": 0x58}
TOO_LATE = {"state": MessageState.EXPIRED}
CALLED_OFF = {"state": MessageState.CANCELLED}
OPTED_OUT = {"state": MessageState.SUPPRESSED, "attempts": 0}


@transaction.atomic
def dispatched(
    campaign: Campaign,
    outcome: Callable[[int], dict] | dict = DELIVERED,
    *,
    handed_over: Sequence[int] | None = None,
    at: datetime | None = None,
) -> None:
    """The first `handed_over[n]` recipients of chunk n (by default all of them) got what `outcome` says."""
    at = at or timezone.now()
    messages: list[Message] = []
    for number, piece in enumerate(listing_of(campaign.list).pieces):
        count = piece.entry.count if handed_over is None else handed_over[number]
        phones = piece.read()[:count].tolist()
        made = [
            _message(campaign, recipient, phone, outcome if isinstance(outcome, dict) else outcome(recipient), at)
            for recipient, phone in enumerate(phones, start=piece.first)
        ]
        unresolved = sum(message.state in (MessageState.INTENDED, MessageState.RETRY) for message in made)
        chunk = Chunk.objects.create(
            campaign=campaign,
            number=number,
            first=piece.first,
            count=piece.entry.count,
            key=piece.entry.key,
            sha256=piece.entry.sha256,
            next=count,
            intended=count,
            epoch=1 if count else 0,
            unresolved=unresolved,
            status=ChunkStatus.DONE if count == piece.entry.count and not unresolved else ChunkStatus.OPEN,
            released_at=at if count else None,
        )
        if count:
            Intent.objects.create(chunk=chunk, epoch=1, owner="worker", first=0, count=count, at=at)
        messages += made
    copy(messages)
    doubtful = [message for message in messages if message.state == MessageState.UNCERTAIN]
    Doubt.objects.bulk_create(
        Doubt(
            campaign=campaign, recipient=message.recipient, channel_id=campaign.channel_id, phone=message.phone, at=at
        )
        for message in doubtful
    )
    counted = Counter(standing(message.state, message.error_kind, message.error_code) for message in messages)
    with connection.cursor() as cursor:
        tallies.note(cursor, campaign.pk, counted)


def intended(campaign: Campaign, number: int, count: int) -> None:
    """The next `count` recipients of chunk `number` are covered by an intent, and have no result yet."""
    chunk = Chunk.objects.get(campaign=campaign, number=number)
    Chunk.objects.filter(pk=chunk.pk).update(intended=chunk.next + count)


def copy(messages: list[Message]) -> None:
    columns = [field.column for field in Message._meta.concrete_fields if field.column]
    with connection.cursor() as cursor, cursor.copy(f"COPY delivery_message ({', '.join(columns)}) FROM STDIN") as rows:
        for message in messages:
            rows.write_row([getattr(message, column) for column in columns])


def _message(campaign: Campaign, recipient: int, phone: int, outcome: dict, at: datetime) -> Message:
    is_over = outcome["state"] not in (MessageState.PENDING, MessageState.RETRY, MessageState.UNCERTAIN)
    return Message(
        day=campaign.day,
        campaign_id=campaign.pk,
        recipient=recipient,
        phone=phone,
        submitted_at=at,
        done_at=at + timedelta(seconds=2) if is_over else None,
        **outcome,
    )
