"""The recipients of a campaign with what became of each: a page by status, or the one with a number.

Whoever was intended has a message row; the others live in the chunk objects of the list.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from heapq import merge
from itertools import islice

from django.db.models import F, QuerySet

from campaigns import gsm
from campaigns.models import Campaign
from delivery import counters, errors, retention
from delivery.errors import Error
from delivery.models import Chunk, Message
from delivery.statuses import STATES_OF, TERM_OF, MessageState, Term
from recipients.erased import NOBODY
from recipients.listing import Listing, listing_of
from recipients.masking import masked, whole

SIZE = 50
PUNCTUATION = re.compile(r"[\s().\-\u00a0\u2010-\u2015]")
DIGITS = re.compile(r"[0-9]{7,15}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """`number` counts from 0 in list order; `parts` is how many parts its message has."""

    number: int
    to: str
    term: Term
    error: Error | None
    submitted_at: datetime | None
    done_at: datetime | None
    parts: int
    attempts: int

    @property
    def masked(self) -> str:
        return masked(int(self.to or NOBODY))


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """`next_cursor` is the number of the first recipient after this page; None at the end."""

    rows: list[Recipient]
    next_cursor: int | None


def phone(text: str) -> int:
    """E.164 digits as they were typed, with or without plus; raises ValueError with a message for whoever typed."""
    digits = PUNCTUATION.sub("", text).removeprefix("+")
    if not DIGITS.fullmatch(digits):
        raise ValueError(f"“{text}” is not a full number: write it with its country code, such as +31 6 12345678.")
    return int(digits)


def page(
    campaign: Campaign,
    *,
    status: Term | None = None,
    to: int | None = None,
    cursor: int = 0,
    size: int = SIZE,
) -> Page:
    """Recipients from number `cursor` on, of one term when `status` says so; with `to`, at most the one who has it.

    Raises Refused when what became of each is no longer kept.
    """
    retention.check_kept(campaign)
    if campaign.list is None or not campaign.list.digest:
        return Page(rows=[], next_cursor=None)
    listing = listing_of(campaign.list)
    if to is not None:
        return _search(campaign, listing, to, status)
    if status is None:
        numbers = list(range(cursor, min(cursor + size + 1, listing.count)))
    else:
        numbers = list(islice(_numbers(campaign, listing, status, cursor, size + 1), size + 1))
    return Page(
        rows=_recipients(campaign, listing, numbers[:size]),
        next_cursor=numbers[size] if len(numbers) > size else None,
    )


def _search(campaign: Campaign, listing: Listing, to: int, status: Term | None) -> Page:
    number = listing.find(to)
    rows = [] if number is None else _recipients(campaign, listing, [number])
    return Page(rows=[row for row in rows if status in (None, row.term)], next_cursor=None)


def _numbers(campaign: Campaign, listing: Listing, status: Term, cursor: int, limit: int) -> Iterator[int]:
    """Recipient numbers of this term from `cursor` on, ascending; at least `limit` of them if there are as many."""
    states = STATES_OF[status]
    # The state has no index: knowing how many there are ends the search with the last of them.
    most = min(limit, counters.messages_in(campaign, states))
    intended = (
        _messages(campaign)
        .filter(state__in=states, recipient__gte=cursor)
        .order_by("recipient")
        .values_list("recipient", flat=True)[:most]
    )
    return merge(
        intended,
        _unintended(campaign, listing, cursor, limit) if status == counters.rest_term(campaign) else (),
        _unrecorded(campaign, cursor) if status == Term.WAITING else (),
    )


def _unintended(campaign: Campaign, listing: Listing, cursor: int, limit: int) -> Iterator[int]:
    chunks = Chunk.objects.filter(campaign=campaign)
    if not chunks.exists():
        yield from range(cursor, listing.count)
    ahead = chunks.filter(intended__lt=F("count"), first__gt=cursor - F("count")).order_by("number")
    for first, begin, count in ahead.values_list("first", "intended", "count")[: limit + 1]:
        yield from range(max(cursor, first + begin), first + count)


def _unrecorded(campaign: Campaign, cursor: int) -> Iterator[int]:
    for numbers in counters.unrecorded(campaign):
        yield from range(max(cursor, numbers.start), numbers.stop)


def _messages(campaign: Campaign) -> QuerySet[Message]:
    if campaign.started_at is None:
        return Message.objects.none()
    return Message.objects.filter(day=campaign.day, campaign=campaign)


def _recipients(campaign: Campaign, listing: Listing, numbers: list[int]) -> list[Recipient]:
    messages = {message.recipient: message for message in _messages(campaign).filter(recipient__in=numbers)}
    phones = listing.phones(number for number in numbers if number not in messages)
    rest = counters.rest_term(campaign)
    unrecorded = [] if rest is Term.WAITING else counters.unrecorded(campaign)
    unsent = Recipient(
        number=0,
        to="",
        term=rest,
        error=None,
        submitted_at=None,
        done_at=None,
        parts=gsm.count_parts(campaign.template.least),
        attempts=0,
    )

    def row(number: int) -> Recipient:
        if number in messages:
            return _intended(messages[number])
        term = Term.WAITING if any(number in some for some in unrecorded) else rest
        return replace(unsent, number=number, to=whole(phones[number]), term=term)

    return [row(number) for number in numbers]


def _intended(message: Message) -> Recipient:
    return Recipient(
        number=message.recipient,
        to=whole(message.phone),
        term=TERM_OF[MessageState(message.state)],
        error=errors.explain(message.error_kind, message.error_code),
        submitted_at=message.submitted_at,
        done_at=message.done_at,
        parts=message.parts,
        attempts=message.attempts,
    )
