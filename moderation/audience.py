"""What is usual in a workspace: how many recipients its campaigns have, and whether a sender was ever used.

The rule, in words: an audience is above the usual when it is more than twice the median of the workspace's last 20
campaigns that were sent, if there were at least 3.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db import connection

from campaigns.models import Campaign
from recipients.models import RecipientList

LOOKED_AT = 20
AT_LEAST = 3
TIMES = 2


@dataclass(frozen=True, slots=True)
class Usual:
    """The median audience of the last `campaigns` that were sent; 0 of 0 for a workspace that has sent nothing."""

    median: int = 0
    campaigns: int = 0

    def is_exceeded_by(self, audience: int) -> bool:
        return self.campaigns >= AT_LEAST and audience > TIMES * self.median


# For each workspace a walk of its index from the newest on, not of all that it ever sent.
_USUAL = f"""
SELECT w.id, percentile_cont(0.5) WITHIN GROUP (ORDER BY sent.accepted), count(*)
FROM unnest(%s::bigint[]) AS w(id)
CROSS JOIN LATERAL (
    SELECT l.accepted FROM {Campaign._meta.db_table} c JOIN {RecipientList._meta.db_table} l ON l.id = c.list_id
    WHERE c.workspace_id = w.id AND c.started_at IS NOT NULL ORDER BY c.id DESC LIMIT {LOOKED_AT}
) sent
GROUP BY w.id
"""


def usual_of(workspace_ids: Iterable[int]) -> Mapping[int, Usual]:
    wanted = sorted(set(workspace_ids))
    with connection.cursor() as cursor:
        cursor.execute(_USUAL, [wanted])
        found = {pk: Usual(round(median), count) for pk, median, count in cursor.fetchall()}
    return {pk: found.get(pk, Usual()) for pk in wanted}


@dataclass(frozen=True, slots=True)
class Used:
    """The senders, and the revisions of senders, that have sent a campaign before."""

    senders: frozenset[int]
    revisions: frozenset[int]


def used_before(campaigns: Iterable[Campaign]) -> Used:
    senders = {campaign.sender_id for campaign in campaigns}
    sent = Campaign.objects.filter(sender__in=senders, started_at__isnull=False).order_by()
    pairs = list(sent.values_list("sender_id", "revision_id").distinct())
    return Used(frozenset(sender for sender, _ in pairs), frozenset(revision for _, revision in pairs))
