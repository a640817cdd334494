"""What became of messages, told in batches: by comparing their rows with what each endpoint was told.

Nothing is written where messages are sent and receipts come in (docs/adr/0078). The tallies, which are committed with
the messages, say whether there is anything new; an octet for each recipient says what was told; and a look compares
them a block at a time, where the last one ended. States only rise: what is told is the newest, and each is told once.
"""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction

from campaigns.models import Campaign
from delivery.plans import by_key
from delivery.statuses import MessageState
from webhooks import payloads
from webhooks.models import Delivery, Endpoint, Following, Told
from webhooks.payloads import Settled
from webhooks.statuses import SETTLED, Event

STATES = max(MessageState) + 1

BLOCK = 20_000  # recipients
BLOCKS = 25  # that a look compares for one campaign
MOST = 1000  # messages of a delivery
BACKLOG = 20  # deliveries that wait: an endpoint that is slow hears later, and of each message only the newest
FOLLOWED = timedelta(days=35)  # a spread window, the longest validity, and the wait for receipts
REST = timedelta(minutes=1)  # when a whole lap found nothing
TURN = 5.0  # seconds of a look: who is left waits for the next one, which begins with anybody

# Whatever moves into a state adds to its tally; so there is something new if more are in one than were told of.
_BEHIND = """
SELECT c.id
FROM campaigns_campaign c
LEFT JOIN webhooks_following f ON f.endpoint_id = %(endpoint)s AND f.campaign_id = c.id
CROSS JOIN LATERAL (
    SELECT state, sum(n)::int AS n FROM delivery_tally
    WHERE campaign_id = c.id AND state = ANY(%(settled)s) GROUP BY state
) s
WHERE c.workspace_id = %(workspace)s AND c.trial_of_id IS NULL AND c.started_at >= %(since)s
  AND (f.rests_until IS NULL OR f.rests_until <= %(now)s)
GROUP BY c.id
HAVING bool_or(s.n > coalesce(f.told[s.state + 1], 0))
ORDER BY c.id
"""
_LAST = "SELECT max(recipient) FROM delivery_message WHERE day = %s AND campaign_id = %s"
_NEWS = """
SELECT recipient, state, error_kind, error_code, done_at FROM delivery_message
WHERE day = %(day)s AND campaign_id = %(campaign)s AND recipient >= %(first)s AND recipient < %(end)s
  AND state = ANY(%(settled)s) AND state <> get_byte(%(told)s, recipient - %(first)s)
ORDER BY recipient LIMIT %(most)s
"""


def look(*, now: datetime) -> None:
    began = time.monotonic()
    for endpoint in Endpoint.objects.on().filter(events__contains=[Event.MESSAGES]).order_by("?"):
        for campaign_id in _behind(endpoint, now=now):
            room = BACKLOG - Delivery.objects.pending().filter(endpoint=endpoint, event=Event.MESSAGES).count()
            if room <= 0:
                break
            _tell(endpoint, campaign_id, room=room, now=now)
            if time.monotonic() - began >= TURN:
                return


def forget(*, now: datetime) -> None:
    """Nobody compares what began so long ago."""
    Following.objects.filter(campaign__started_at__lt=now - FOLLOWED).delete()


def _behind(endpoint: Endpoint, *, now: datetime) -> list[int]:
    """The campaigns of which there is something to tell."""
    with connection.cursor() as cursor:
        cursor.execute(
            _BEHIND,
            {
                "endpoint": endpoint.pk,
                "workspace": endpoint.workspace_id,
                "settled": SETTLED,
                "since": max(endpoint.created_at, now - FOLLOWED),
                "now": now,
            },
        )
        return [campaign_id for (campaign_id,) in cursor.fetchall()]


@transaction.atomic
def _tell(endpoint: Endpoint, campaign_id: int, *, room: int, now: datetime) -> None:
    """Compare some blocks, and write as many deliveries as there is room for."""
    campaign = Campaign.objects.get(pk=campaign_id)
    key = {"endpoint": endpoint, "campaign": campaign}
    Following.objects.get_or_create(**key, defaults={"workspace_id": endpoint.workspace_id, "told": [0] * STATES})
    following = Following.objects.select_for_update(skip_locked=True, no_key=True).filter(**key).first()
    if following is None:  # somebody else is at it
        return
    blocks = _blocks(campaign)
    news: list[Settled] = []
    for _ in range(min(BLOCKS, blocks)):
        following.block %= blocks
        found = _compare(following, campaign, most=room * MOST - len(news))
        news += found
        if len(news) >= room * MOST:
            break  # of this block there may be more
        following.block += 1
        following.barren = 0 if found else following.barren + 1
    if following.barren >= blocks:
        following.barren, following.rests_until = 0, now + REST
    following.save(update_fields=["told", "block", "barren", "rests_until"])
    _deliver(endpoint, campaign, news, now=now)


def _blocks(campaign: Campaign) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_LAST, [campaign.day, campaign.pk])
        (last,) = cursor.fetchone()
    return 0 if last is None else last // BLOCK + 1


def _compare(following: Following, campaign: Campaign, *, most: int) -> list[Settled]:
    """What is new in the block at which it is; it counts as told from here on."""
    block, first = following.block, following.block * BLOCK
    known = Told.objects.filter(following=following, block=block).values_list("states", flat=True).first()
    told = bytearray(known or bytes(BLOCK))
    with connection.cursor() as cursor:
        by_key(cursor)
        cursor.execute(
            _NEWS,
            {
                **{"day": campaign.day, "campaign": campaign.pk, "first": first, "end": first + BLOCK},
                **{"settled": SETTLED, "told": bytes(told), "most": most},
            },
        )
        news = [Settled(*row) for row in cursor.fetchall()]
    for one in news:
        was, told[one.recipient - first] = told[one.recipient - first], one.state
        following.told[one.state] += 1
        if was:
            following.told[was] -= 1
    if news:
        Told.objects.update_or_create(following=following, block=block, defaults={"states": bytes(told)})
    return news


def _deliver(endpoint: Endpoint, campaign: Campaign, news: Sequence[Settled], *, now: datetime) -> None:
    batches = [news[first : first + MOST] for first in range(0, len(news), MOST)]
    Delivery.objects.bulk_create(
        payloads.delivery(endpoint, event=Event.MESSAGES, data=payloads.of_messages(campaign, batch), at=now, now=now)
        for batch in batches
    )
