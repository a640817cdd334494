"""What moves in a workspace just now, from chunks, tallies and what the links say: no message is counted."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from accounts.models import Workspace
from campaigns.statuses import Status
from channels import links
from delivery.statuses import MessageState
from reports.lately import HANDED_OVER, MOST_INTENTS

WINDOW = timedelta(seconds=10)
LATELY = timedelta(minutes=1)
# Receipts of what ended longer ago are so few that nobody would see them beat.
FOLLOWED = timedelta(days=1)

_IN_FLIGHT = """
SELECT coalesce(sum(chunk.intended - chunk.next), 0)
FROM campaigns_campaign campaign JOIN delivery_chunk chunk ON chunk.campaign_id = campaign.id
WHERE campaign.workspace_id = %(workspace)s AND campaign.status = ANY(%(open)s) AND chunk.owner <> ''
"""

_OF_WORKSPACE = "campaign.workspace_id = %(workspace)s AND campaign.status = %(sending)s"
_RATE = f"""
SELECT coalesce(sum(one.count / greatest(1, extract(epoch FROM %(now)s - one.since))), 0)
FROM ({HANDED_OVER.format(of=_OF_WORKSPACE)}) one
"""

# Of a stretch that was folded and reaches further back than a minute, its share counts: it is taken for even. The
# widths are those of `housekeeping.fold_tallies`.
_DELIVERED = """
SELECT coalesce(sum(moved.n), 0)
FROM campaigns_campaign campaign CROSS JOIN LATERAL (
    SELECT n::float8 FROM delivery_tally
    WHERE campaign_id = campaign.id AND state = %(delivered)s AND at > %(lately)s
    UNION ALL
    SELECT n * extract(epoch FROM until - greatest(begin, %(lately)s)) / extract(epoch FROM until - begin)
    FROM delivery_movement, LATERAL (
        SELECT least(%(now)s, begin + CASE WHEN %(now)s - campaign.started_at < '1 hour' THEN interval '10 seconds'
                                           WHEN %(now)s - campaign.started_at < '1 day' THEN interval '1 minute'
                                           WHEN %(now)s - campaign.started_at < '7 days' THEN interval '10 minutes'
                                           ELSE interval '1 hour' END) AS until
    ) stretch
    WHERE campaign_id = campaign.id AND state = %(delivered)s AND begin > %(lately)s - interval '1 hour'
      AND begin < %(now)s AND until > %(lately)s
) moved
WHERE campaign.workspace_id = %(workspace)s AND campaign.started_at IS NOT NULL
  AND (campaign.status = ANY(%(open)s) OR campaign.finished_at > %(followed)s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """`in_flight` are handed over and not answered; `rate` is in recipients a second; the links are the
    installation's."""

    in_flight: int
    delivered_lately: int
    rate: float
    links_up: int
    links: int

    @property
    def beats(self) -> bool:
        return bool(self.in_flight or self.delivered_lately or self.rate)

    @property
    def all_links_down(self) -> bool:
        return not self.links_up


def pulse(workspace: Workspace, *, now: datetime) -> Pulse:
    values: dict[str, Any] = {
        "workspace": workspace.pk,
        "open": [Status.SENDING, Status.PAUSED],
        "sending": Status.SENDING,
        "delivered": int(MessageState.DELIVERED),
        "now": now,
        "since": now - WINDOW,
        "lately": now - LATELY,
        "followed": now - FOLLOWED,
        "most": MOST_INTENTS,
    }
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT ({_IN_FLIGHT}), ({_RATE}), ({_DELIVERED})", values)
        in_flight, rate, delivered = cursor.fetchone()
    channels = links.standings(now=now)
    return Pulse(
        in_flight=int(in_flight),
        delivered_lately=round(delivered),
        rate=float(rate),
        links_up=sum(one.up for one in channels),
        links=sum(one.wanted for one in channels),
    )
