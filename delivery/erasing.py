"""A number leaves what is kept of sending: messages, receipts, messages from phones, incidents. Counters stay true.

A message keeps its state, its times and its place, and nobody is its recipient any more (docs/adr/0067). Each verb may
be called any number of times, and says how many rows it has changed this time.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Value
from django.db.models.functions import Replace

from accounts.models import Workspace
from delivery.models import Chunk, Doubt, Incident
from delivery.retention import names_of_partitions
from delivery.statuses import MessageState
from recipients.erased import NOBODY

S = MessageState
# Of these the carrier may still send a receipt, with the number in it.
AWAITED = (S.INTENDED, S.RETRY, S.PENDING, S.UNCERTAIN)
WITHIN = "30s"  # for the lock of a moment that the inbox is written without


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """`awaited` of the rows are not at their end: what comes for them brings the number back."""

    rows: int = 0
    awaited: int = 0


_MESSAGES = """
WITH erased AS (
    UPDATE {partition} m SET phone = %(nobody)s FROM campaigns_campaign p
    WHERE m.phone = %(phone)s AND p.id = m.campaign_id AND p.workspace_id = %(workspace)s
    RETURNING m.state
)
SELECT count(*), count(*) FILTER (WHERE state = ANY (%(awaited)s)) FROM erased
"""
_IDS = """
UPDATE {partition} c SET phone = %(nobody)s FROM campaigns_campaign p
WHERE c.phone = %(phone)s AND p.id = c.campaign_id AND p.workspace_id = %(workspace)s
"""


def messages(workspace: Workspace, phone: int) -> Erased:
    """Of every campaign; one partition after another, each in a transaction of its own."""
    rows = awaited = 0
    values: dict[str, Any] = {
        "nobody": NOBODY,
        "phone": phone,
        "workspace": workspace.pk,
        "awaited": [int(one) for one in AWAITED],
    }
    for partition in names_of_partitions("delivery_message"):
        with connection.cursor() as cursor:
            cursor.execute(_MESSAGES.format(partition=partition), values)
            found, open_ones = cursor.fetchone()
        rows, awaited = rows + found, awaited + open_ones
    for partition in names_of_partitions("delivery_carrierid"):
        with connection.cursor() as cursor:
            cursor.execute(_IDS.format(partition=partition), values)
            rows += cursor.rowcount
    rows += Doubt.objects.filter(campaign__workspace=workspace, phone=phone).update(phone=NOBODY)
    return Erased(rows=rows, awaited=awaited)


_RECEIPTS = """
UPDATE {partition} SET phone = NULL, raw = without_number(raw, %(phone)s)
WHERE (phone = %(phone)s OR without_number(raw, %(phone)s) <> raw)
  AND (applied_at IS NOT NULL OR NOT is_receipt OR received_at < %(tried_until)s)
"""
_TO_BE_TRIED = "SELECT count(*) FROM delivery_receipt WHERE phone = %s AND applied_at IS NULL AND is_receipt"


def receipts(phone: int, *, tried_until: datetime) -> Erased:
    """As they came, from whichever carrier and for whomever: nobody reads them again once they are applied. Those that
    came since `tried_until` and whose message is not known yet are tried with their number, and wait."""
    rows = 0
    for partition in names_of_partitions("delivery_receipt"):
        with connection.cursor() as cursor:
            cursor.execute(_RECEIPTS.format(partition=partition), {"phone": phone, "tried_until": tried_until})
            rows += cursor.rowcount
    for partition in names_of_partitions("delivery_inbox"):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{WITHIN}'")
            cursor.execute("SELECT erase_from_inbox(%s, %s)", [partition, phone])
            rows += cursor.fetchone()[0]
    with connection.cursor() as cursor:
        cursor.execute(_TO_BE_TRIED, [phone])
        (awaited,) = cursor.fetchone()
    return Erased(rows=rows, awaited=awaited)


@transaction.atomic
def inbound(workspace: Workspace, phone: int) -> Erased:
    """Messages from the phone go; those that name it lose it. Also where nobody knew whom they were for."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{WITHIN}'")
        cursor.execute("SELECT erase_inbound(%s, %s)", [workspace.pk, phone])
        return Erased(rows=cursor.fetchone()[0])


def incidents(workspace: Workspace, phone: int) -> Erased:
    """Samples, and why a chunk was put aside: sentences that may quote what went wrong."""
    digits, nobody = Value(str(phone)), Value("•••")
    samples = Incident.objects.filter(campaign__workspace=workspace, sample__contains=str(phone))
    samples |= Incident.objects.filter(campaign=None, sample__contains=str(phone))
    rows = samples.update(sample=Replace(F("sample"), digits, nobody))
    chunks = Chunk.objects.filter(campaign__workspace=workspace, trouble__contains=str(phone))
    return Erased(rows=rows + chunks.update(trouble=Replace(F("trouble"), digits, nobody)))
