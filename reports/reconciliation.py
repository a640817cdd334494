"""Whether a campaign's counters tell the same as its rows, and its rows what can be true of them.

Each question is one statement, so it is asked of one instant, also while the campaign sends.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet

from audit.wording import BETWEEN
from campaigns.models import Campaign
from campaigns.statuses import FINISHED, Mode, Status
from delivery import counters, incidents, retention
from delivery.models import Receipt
from delivery.reasons import COUNTERS_DIFFER
from delivery.statuses import ErrorKind, IncidentKind, MessageState
from delivery.verdicts import VERDICTS
from reports import reasons
from smpp.receipts import MessageState as CarrierState

WATCHED = timedelta(hours=2)  # of receipts at each hourly look: those since the one before it, and some more

_COUNTS = """
WITH pushed AS (
    SELECT count(*) AS pushed FROM delivery_push WHERE campaign_id = %(campaign)s
), per_chunk AS (
    SELECT chunk.number, chunk.next, chunk.count, chunk.unresolved, here.*
    FROM delivery_chunk chunk
    CROSS JOIN LATERAL (
        SELECT count(*) AS handed_over,
               count(*) FILTER (WHERE state IN (%(intended)s, %(retry)s)) AS unresolved_rows,
               count(*) FILTER (WHERE recipient >= chunk.first + chunk.next) AS ahead
        FROM delivery_message
        WHERE day = %(day)s AND campaign_id = %(campaign)s
          AND recipient >= chunk.first AND recipient < chunk.first + chunk.count
    ) here
    WHERE chunk.campaign_id = %(campaign)s
)
SELECT 'state', state::bigint, coalesce(sum(counted), 0)::bigint, coalesce(sum(found), 0)::bigint FROM (
    SELECT state, n AS counted, 0 AS found FROM delivery_tally WHERE campaign_id = %(campaign)s
    UNION ALL
    SELECT state, 0, count(*) FROM delivery_message WHERE day = %(day)s AND campaign_id = %(campaign)s GROUP BY state
) both_sides GROUP BY state
UNION ALL SELECT 'failed', coalesce(code, 0), sum(counted)::bigint, sum(found)::bigint FROM (
    SELECT error_kind AS kind, error_code AS code, n AS counted, 0 AS found
    FROM delivery_tally WHERE campaign_id = %(campaign)s AND state = %(failed)s
    UNION ALL
    SELECT error_kind, error_code, 0, count(*) FROM delivery_message
    WHERE day = %(day)s AND campaign_id = %(campaign)s AND state = %(failed)s GROUP BY 1, 2
) why GROUP BY kind, code
UNION ALL SELECT 'handed over', number, next, handed_over FROM per_chunk
UNION ALL SELECT 'unresolved', number, unresolved, unresolved_rows FROM per_chunk
UNION ALL SELECT 'ahead', number, 0, ahead FROM per_chunk
UNION ALL SELECT 'recipients', 0, coalesce(%(accepted)s, pushed), coalesce(sum(count), %(accepted)s, 0)::bigint
    FROM pushed LEFT JOIN per_chunk ON true GROUP BY pushed
"""


# What cannot be, whatever happened: how many messages of each chunk make each sentence true. One walk over them.
_IMPOSSIBLE = {
    reasons.TAKEN: """
        state IN (%(pending)s, %(no_receipt)s) AND accepted_mask <> (1 << parts) - 1""",
    reasons.DELIVERED: """
        state = %(delivered)s AND delivered_mask <> (1 << parts) - 1""",
    reasons.FAILED: """
        state = %(failed)s AND (error_kind = 0 OR error_kind = %(by_receipt)s AND failed_mask = 0)""",
    reasons.UNSENT: """
        state IN (%(retry)s, %(suppressed)s, %(expired)s, %(cancelled)s) AND accepted_mask <> 0""",
    reasons.STRANGE_RECEIPT: """
        (delivered_mask | failed_mask) & ~accepted_mask <> 0 OR accepted_mask >> parts <> 0""",
    reasons.WITHOUT_DOUBT: """
        state = %(uncertain)s AND NOT EXISTS (
            SELECT FROM delivery_doubt d WHERE d.campaign_id = %(campaign)s AND d.recipient = m.recipient)""",
    reasons.WITHOUT_INTENT: """
        attempts > 0 AND m.recipient - first >= coalesce(intended, 0)""",
    reasons.TOO_OFTEN: """
        attempts > 1 + retries""",
    # After a restore nobody knows of an intent of those in doubt.
    reasons.NEVER_TRIED: """
        attempts < 1 AND state NOT IN (%(suppressed)s, %(uncertain)s) AND accepted_mask = 0""",
}
_COUNT_IMPOSSIBLE = f"""
WITH reach AS (
    SELECT c.first, c.count, i.intended, i.retries FROM delivery_chunk c CROSS JOIN LATERAL (
        SELECT max(first + count) FILTER (WHERE NOT is_retry) AS intended, count(*) FILTER (WHERE is_retry) AS retries
        FROM delivery_intent WHERE chunk_id = c.id
    ) i
    WHERE c.campaign_id = %(campaign)s
)
SELECT {", ".join(f"count(*) FILTER (WHERE {impossible})" for impossible in _IMPOSSIBLE.values())}
FROM reach CROSS JOIN LATERAL (
    SELECT * FROM delivery_message
    WHERE day = %(day)s AND campaign_id = %(campaign)s
      AND recipient >= reach.first AND recipient < reach.first + reach.count
) m
"""
_ODD_DOUBTS = """
SELECT count(*) FROM delivery_doubt d
WHERE d.campaign_id = %(campaign)s AND NOT EXISTS (
    SELECT FROM delivery_message m
    WHERE m.day = %(day)s AND m.campaign_id = %(campaign)s AND m.recipient = d.recipient AND m.state = %(uncertain)s
)
"""
_ODD_INTENTS = """
SELECT number, count(*) FILTER (WHERE epoch < epoch_before OR epoch > newest),
       count(*) FILTER (WHERE epoch = epoch_before AND owner <> owner_before)
FROM (
    SELECT c.number, c.epoch AS newest, i.epoch, i.owner,
           lag(i.epoch) OVER of_chunk AS epoch_before, lag(i.owner) OVER of_chunk AS owner_before
    FROM delivery_chunk c JOIN delivery_intent i ON i.chunk_id = c.id
    WHERE c.campaign_id = %(campaign)s
    WINDOW of_chunk AS (PARTITION BY i.chunk_id ORDER BY i.id)
) intents
GROUP BY number ORDER BY number
"""
# Receipts that are said to be applied, and whose message does not show it. All campaigns at once: the inbox has no
# index by campaign.
_NOT_SHOWN = """
SELECT r.campaign_id, count(*)
FROM delivery_receipt r
LEFT JOIN delivery_message m ON m.day = r.message_day AND m.campaign_id = r.campaign_id AND m.recipient = r.recipient
WHERE r.applied_at IS NOT NULL AND r.campaign_id = ANY(%(campaigns)s)
  AND r.day >= %(first_day)s AND r.received_at >= %(since)s
  AND r.message_day = ANY(%(days)s)
  AND CASE WHEN r.state = %(delivered)s THEN coalesce(m.delivered_mask, 0)
           WHEN r.state = ANY(%(failed)s) THEN coalesce(m.failed_mask, 0)
           ELSE 1 << r.part END & (1 << r.part) = 0
GROUP BY 1
"""


def to_check(*, now: datetime) -> QuerySet[Campaign]:
    """Campaigns that have started and are not over, or were over within a day."""
    return Campaign.objects.filter(started_at__isnull=False).filter(
        ~Q(status__in=FINISHED) | Q(finished_at__gte=now - timedelta(days=1))
    )


def differences(campaign: Campaign) -> list[str]:
    """Each difference in words; none when everything agrees."""
    if campaign.started_at is None or (campaign.list is None and campaign.mode != Mode.TRIGGER):
        return []
    values: dict[str, Any] = {
        "day": campaign.day,
        "campaign": campaign.pk,
        "accepted": campaign.list and campaign.list.accepted,
        "by_receipt": ErrorKind.RECEIPT,
        **{state.name.lower(): state for state in MessageState},
    }
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, values)
        counts: list[tuple[str, int, int, int]] = cursor.fetchall()
    found = [_in_words(what, which, counted, there) for what, which, counted, there in counts if counted != there]
    return sorted(found) + list(_impossible(values)) + list(_unbalanced(campaign))


def receipts_not_shown(campaigns: Sequence[Campaign], *, since: datetime) -> dict[int, int]:
    """How many receipts of each campaign that came since then are called applied, and its messages do not show it."""
    started = [campaign for campaign in campaigns if campaign.started_at is not None]
    if not started:
        return {}
    values: dict[str, Any] = {
        "campaigns": [campaign.pk for campaign in started],
        "days": sorted({campaign.day for campaign in started}),
        "since": since,
        "first_day": since.astimezone(UTC).date(),
        "delivered": CarrierState.DELIVERED,
        "failed": [state for state in CarrierState if VERDICTS[state] is MessageState.FAILED],
    }
    with connection.cursor() as cursor:
        cursor.execute(_NOT_SHOWN, values)
        return dict(cursor.fetchall())


def check(campaigns: Sequence[Campaign], *, receipts_since: datetime) -> dict[Campaign, list[str]]:
    """What is wrong with each, in words. Those whose details are no longer kept have nothing to compare with."""
    kept = [campaign for campaign in campaigns if retention.is_kept(campaign)]
    not_shown = receipts_not_shown(kept, since=receipts_since)
    found = {campaign: differences(campaign) for campaign in kept}
    for campaign in kept:
        if n := not_shown.get(campaign.pk):
            found[campaign].append(reasons.NOT_SHOWN % {"n": n})
    return found


def watch(*, now: datetime) -> None:
    """Compare what is under way or was over today, and raise an incident for each campaign that is not right."""
    campaigns = list(to_check(now=now).select_related("list").order_by("pk"))
    for campaign, found in check(campaigns, receipts_since=now - WATCHED).items():
        if found:
            sample = COUNTERS_DIFFER % {"found": BETWEEN.join(found)}
            incidents.note_once(IncidentKind.UNBALANCED, at=now, sample=sample, campaign_id=campaign.pk)


def unmatched_receipts(*, now: datetime) -> int:
    """Receipts that have found no message within a minute."""
    return Receipt.objects.filter(is_receipt=True, applied_at=None, received_at__lt=now - timedelta(minutes=1)).count()


def _impossible(values: dict[str, Any]) -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_IMPOSSIBLE, values)
        yield from (what % {"n": n} for what, n in zip(_IMPOSSIBLE, cursor.fetchone(), strict=True) if n)
        cursor.execute(_ODD_DOUBTS, values)
        if (n := cursor.fetchone()[0]) > 0:
            yield reasons.ODD_DOUBTS % {"n": n}
        cursor.execute(_ODD_INTENTS, values)
        for number, of_other_epochs, of_other_owners in cursor.fetchall():
            if of_other_epochs:
                yield reasons.ODD_EPOCHS % {"n": of_other_epochs, "number": number}
            if of_other_owners:
                yield reasons.ODD_OWNERS % {"n": of_other_owners, "number": number}


def _in_words(what: str, which: int, counted: int, there: int) -> str:
    both = {"counted": counted, "there": there}
    match what:
        case "state":
            return reasons.IN_STATE % {"state": MessageState(which).name, **both}
        case "failed":
            return reasons.FAILED_WITH % {"code": which, **both}
        case "handed over":
            return reasons.HANDED_OVER % {"number": which, **both}
        case "unresolved":
            return reasons.UNRESOLVED % {"number": which, **both}
        case "ahead":
            return reasons.AHEAD % {"number": which, **both}
    return reasons.RECIPIENTS % both


def _unbalanced(campaign: Campaign) -> Iterator[str]:
    totals = counters.totals(campaign)
    read = totals.invalid + totals.duplicate + totals.suppressed + totals.accepted
    if totals.rows != read:
        yield reasons.ROWS % {"rows": totals.rows, "counted": read}
    ended = totals.handed_over + totals.expired + totals.cancelled
    if totals.accepted != ended + totals.waiting:
        yield reasons.EQUATION % {"accepted": totals.accepted, "counted": ended, "waiting": totals.waiting}
    if campaign.status == Status.DONE and totals.waiting:
        yield reasons.NOT_OVER % {"n": totals.waiting}
