"""Trouble of the infrastructure, counted by kind, channel, campaign and minute."""

import logging
from datetime import datetime

from django.db import connection

from delivery.models import Incident
from delivery.statuses import IncidentKind

logger = logging.getLogger(__name__)

_INSERT = f"""
INSERT INTO {Incident._meta.db_table} (kind, channel_id, campaign_id, minute, count, first_at, last_at, sample)
VALUES (%(kind)s, %(channel)s, %(campaign)s, date_trunc('minute', %(at)s::timestamptz), %(count)s, %(at)s, %(at)s,
        %(sample)s)
ON CONFLICT (kind, channel_id, campaign_id, minute) DO """
_UPSERT = f"""{_INSERT} UPDATE
SET count = {Incident._meta.db_table}.count + EXCLUDED.count, last_at = EXCLUDED.last_at, sample = EXCLUDED.sample
"""


def note(
    kind: IncidentKind,
    *,
    at: datetime,
    sample: str,
    channel_id: int | None = None,
    campaign_id: int | None = None,
    count: int = 1,
) -> None:
    """Count it. `sample` is one line for people: never a number or a text."""
    logger.warning("incident.%s", kind, extra={"channel": channel_id, "campaign": campaign_id, "sample": sample})
    values = {"kind": kind, "channel": channel_id, "campaign": campaign_id, "at": at, "count": count, "sample": sample}
    with connection.cursor() as cursor:
        cursor.execute(_UPSERT, {**values, "sample": sample[:500]})


def note_once(kind: IncidentKind, *, at: datetime, sample: str, campaign_id: int | None = None) -> None:
    """Count it once a minute: for what is found again at every look."""
    values = {"kind": kind, "channel": None, "campaign": campaign_id, "at": at, "count": 1, "sample": sample[:500]}
    with connection.cursor() as cursor:
        cursor.execute(f"{_INSERT} NOTHING", values)
        if cursor.rowcount:
            logger.warning("incident.%s", kind, extra={"campaign": campaign_id, "sample": sample})
