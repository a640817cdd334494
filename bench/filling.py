"""A workspace with years of campaigns, written by SQL from a few that went through the verbs; for `bench pages`."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection, models, transaction
from django.db.models import Count, Min

from accounts.models import Workspace
from audit.models import Entry
from campaigns.models import Campaign
from delivery.tallies import CODE, KIND
from moderation.models import Decision
from recipients.models import RecipientList
from tests import factories
from tests.filled import TEXT, Filled, fill

CHUNK = 10_000
SHARES = {  # per mille; the rest are done
    **{"draft": 20, "in_review": 8, "rejected": 8, "missed": 2, "approved": 20},
    **{"paused": 2, "expired": 4, "cancelled": 12, "failed": 4},
}
DAYS = 60  # over which what was sent is spread
INCIDENTS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Full:
    """`big` has half of all messages and is being sent; the others share the rest."""

    filled: Filled
    big: Campaign
    messages: int


def grow(workspace: Workspace, *, rows: int, campaigns: int, of_others: int | None = None) -> Full:
    """`of_others` is how many messages the other campaigns share: by default the half that is not the big one's."""
    filled = fill(workspace)
    each = max(1, (rows // 2 if of_others is None else of_others) // campaigns)
    usual = factories.ready_list(workspace, each, name="Customers", by=filled.author)
    all_of_them = factories.ready_list(workspace, max(1, rows // 2), name="Everybody, of all shops", by=filled.author)
    big = factories.sending(workspace, by=filled.author, sender=filled.sender, list=all_of_them, text=TEXT, name="Big")
    newest = big.pk
    with _without_guards(Campaign, Decision):
        _write(filled, big, usual, newest, rows=rows, campaigns=campaigns)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("SELECT count(*) FROM delivery_message")
        (messages,) = cursor.fetchone()
    big.refresh_from_db()
    return Full(filled=filled, big=big, messages=messages)


@contextmanager
def _without_guards(*guarded: type[models.Model]) -> Iterator[None]:
    """Their triggers want each row to go its way from draft on."""
    with connection.cursor() as cursor:
        for model in guarded:
            cursor.execute(f"ALTER TABLE {model._meta.db_table} DISABLE TRIGGER USER")
        try:
            yield
        finally:
            for model in guarded:
                cursor.execute(f"ALTER TABLE {model._meta.db_table} ENABLE TRIGGER USER")


@transaction.atomic
def _write(filled: Filled, big: Campaign, usual: RecipientList, newest: int, *, rows: int, campaigns: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT prepare_partitions(CURRENT_DATE - %s, 3)", [DAYS + 1])
        last = RecipientList.objects.latest("pk").pk
        _multiply(cursor, RecipientList, usual.pk, max(1, campaigns // 10), name="'Customers ' || n")
        copies = RecipientList.objects.filter(pk__gt=last).aggregate(first=Min("pk"), count=Count("pk"))
        list_of = f"{copies['first']} + n %% {copies['count']}"
        counts = {status: max(1, campaigns * share // 1000) for status, share in SHARES.items()}
        counts["done"] = max(1, campaigns - sum(counts.values()))
        for status, count in counts.items():
            is_sent = status in ("done", "expired", "failed")
            _campaigns(cursor, filled.campaigns[status], count, list_of, is_sent=is_sent)
        values = {"newest": newest, "big": big.pk, "first": factories.FIRST_NUMBER, "chunk": CHUNK}
        for statement in (_MESSAGES, _CHUNKS, _CHUNKS_OF_BIG, _TALLIES, _COURSE):
            cursor.execute(statement, values)
        _traces(cursor, filled.campaigns["done"], newest)
        cursor.execute(_INCIDENTS, {"count": INCIDENTS, "campaign": big.pk, "channel": big.channel_id})
        cursor.execute(_SUPPRESSED, {"workspace": filled.workspace.pk, "count": rows // 20})


def _campaigns(cursor: Any, like: Campaign, count: int, list_of: str, *, is_sent: bool) -> None:
    begun = f"now() - (n %% {DAYS}) * interval '1 day' - (n %% 600) * interval '1 minute'"
    changed = {
        "public_id": "gen_random_uuid()",
        "name": f"'{like.get_status_display()} campaign ' || n",
        "text": "text || ' ' || n",
        "created_at": f"{begun} - interval '1 day'",
        "submitted_at": f"CASE WHEN submitted_at IS NOT NULL THEN {begun} - interval '1 hour' END",
        "send_at": "send_at + n * interval '1 minute'",
        "list_id": list_of,
    }
    if is_sent:
        changed |= {"started_at": begun, "finished_at": f"{begun} + interval '20 minutes'"}
    _multiply(cursor, Campaign, like.pk, count, **changed)


def _multiply(cursor: Any, model: type[models.Model], pk: int, count: int, **changed: str) -> None:
    """`count` rows like this one, but for expressions of SQL that may say `n`, the number of the copy."""
    columns = [str(field.column) for field in model._meta.concrete_fields if not field.primary_key]
    values = ", ".join(changed.get(column, f'"{column}"') for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    cursor.execute(
        f"INSERT INTO {model._meta.db_table} ({names}) SELECT {values}"
        f" FROM {model._meta.db_table} CROSS JOIN generate_series(1, %s) AS n WHERE {model._meta.pk.column} = %s",
        [count, pk],
    )


def _traces(cursor: Any, like: Campaign, newest: int) -> None:
    """Each campaign has the entries, the decision and the history of the one that it is like."""
    entry = [str(field.column) for field in Entry._meta.concrete_fields if field.column != "id"]
    given = {
        # Known before the statement: a maximum asked for each row would walk over all that it has written.
        "seq": f"{Entry.objects.filter(chain=like.workspace_id).latest('seq').seq} + row_number() OVER ()",
        "subject_id": "c.id::text",
        "subject_name": "c.name",
        "at": "c.created_at",
    }
    values = ", ".join(given.get(column, f'one."{column}"') for column in entry)
    cursor.execute(
        f"INSERT INTO audit_entry ({', '.join(entry)}) SELECT {values} FROM audit_entry one, campaigns_campaign c"
        " WHERE one.subject_type = 'campaign' AND one.subject_id = %s AND c.id > %s",
        [str(like.pk), newest],
    )
    for model, column in ((Decision, "campaign_id"), (Campaign.history.model, "id")):
        pk = model._meta.pk.column
        columns = [str(field.column) for field in model._meta.concrete_fields if field.column != pk]
        values = ", ".join("c.id" if name == column else f'one."{name}"' for name in columns)
        cursor.execute(
            f"INSERT INTO {model._meta.db_table} ({', '.join(columns)}) SELECT {values}"
            f" FROM {model._meta.db_table} one, campaigns_campaign c WHERE one.{column} = %s AND c.id > %s",
            [like.pk, newest],
        )


# Of a hundred: 91 delivered (7), 5 failed of seven reasons (6), 3 without a receipt (5) or waiting for one (4), 1 in
# doubt (3).
_MESSAGES = """
INSERT INTO delivery_message (day, campaign_id, recipient, phone, state, parts, accepted_mask, delivered_mask,
                              failed_mask, error_kind, error_code, submitted_at, done_at)
SELECT (c.started_at AT TIME ZONE 'UTC')::date, c.id, r, %(first)s + r, state, 1, (state > 3)::int, (state = 7)::int,
       (state = 6)::int, CASE state WHEN 6 THEN 2 ELSE 0 END, CASE state WHEN 6 THEN 500000 + r / 100 %% 7 END,
       c.started_at + r * interval '1 millisecond',
       CASE WHEN state IN (6, 7) THEN c.started_at + r * interval '1 millisecond' + interval '3 seconds' END
FROM campaigns_campaign c JOIN recipients_recipientlist l ON l.id = c.list_id
CROSS JOIN LATERAL generate_series(0, CASE c.id WHEN %(big)s THEN l.accepted * 19 / 20 ELSE l.accepted END - 1) AS r
CROSS JOIN LATERAL (
    SELECT CASE WHEN r %% 100 < 91 THEN 7 WHEN r %% 100 < 96 THEN 6
                WHEN r %% 100 < 99 THEN CASE c.id WHEN %(big)s THEN 4 ELSE 5 END ELSE 3 END AS state
) became
WHERE c.id >= %(newest)s AND c.started_at IS NOT NULL
"""

_CHUNKS = """
INSERT INTO delivery_chunk (campaign_id, number, first, count, key, sha256, status, owner, epoch, next, intended,
                            unresolved, plan_first)
SELECT c.id, 0, 0, l.accepted, '', '', 'done', '', 1, l.accepted, l.accepted, 0, 0
FROM campaigns_campaign c JOIN recipients_recipientlist l ON l.id = c.list_id
WHERE c.id > %(newest)s AND c.started_at IS NOT NULL
"""

_CHUNKS_OF_BIG = """
INSERT INTO delivery_chunk (campaign_id, number, first, count, key, sha256, status, owner, epoch, next, intended,
                            unresolved, plan_first)
SELECT c.id, number, number * %(chunk)s, count, '', '', CASE WHEN sent = count THEN 'done' ELSE 'open' END, '', 1, sent,
       sent, 0, 0
FROM campaigns_campaign c JOIN recipients_recipientlist l ON l.id = c.list_id
CROSS JOIN LATERAL generate_series(0, (l.accepted - 1) / %(chunk)s) AS number
CROSS JOIN LATERAL (SELECT least(%(chunk)s, l.accepted - number * %(chunk)s) AS count) size
CROSS JOIN LATERAL (SELECT greatest(0, least(count, l.accepted * 19 / 20 - number * %(chunk)s)) AS sent) done
WHERE c.id = %(big)s
"""

_TALLIES = f"""
INSERT INTO delivery_tally (campaign_id, state, error_kind, error_code, n, at)
SELECT campaign_id, state, {KIND}, {CODE}, count(*), NULL
FROM delivery_message WHERE campaign_id >= %(newest)s GROUP BY 1, 2, 3, 4
"""

_COURSE = """
INSERT INTO delivery_movement (campaign_id, begin, state, n)
SELECT t.campaign_id, date_bin('10 minutes', c.started_at, 'epoch') + piece * interval '10 minutes', t.state,
       t.n / 20 + CASE piece WHEN 0 THEN t.n %% 20 ELSE 0 END
FROM (SELECT campaign_id, state, sum(n)::int AS n FROM delivery_tally GROUP BY 1, 2) t
JOIN campaigns_campaign c ON c.id = t.campaign_id CROSS JOIN generate_series(0, 19) AS piece
WHERE t.campaign_id >= %(newest)s
"""

_INCIDENTS = """
INSERT INTO delivery_incident (kind, channel_id, campaign_id, minute, count, first_at, last_at, sample)
SELECT 'link_lost', %(channel)s, CASE WHEN n %% 10 = 0 THEN %(campaign)s END, minute, 1, minute, minute, 'main/0: cut'
FROM generate_series(1, %(count)s) AS n
CROSS JOIN LATERAL (SELECT date_trunc('minute', now()) - n * interval '1 minute' AS minute) at
"""

_SUPPRESSED = """
INSERT INTO recipients_suppression (workspace_id, phone, source, reason, added_at)
SELECT %(workspace)s, 31700000000 + n, 'hand', 'Asked for by phone.', now() FROM generate_series(1, %(count)s) AS n
"""
