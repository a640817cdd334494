"""Messages are found by key and changed by place, whatever the planner believes.

A table that grows by thousands of rows a second has no statistics worth believing: joined in the usual way, a partition
is read whole for each batch. So rows are looked up and locked in a LATERAL subquery, which only its index can answer,
and changed by their ctid in the one partition that has them.
"""

from datetime import date
from typing import Any


def partition(day: date) -> str:
    """The partition of `delivery_message` that holds this day (migration 0002 names them)."""
    return f"delivery_message_{day:%Y_%m}"


_BY_KEY = """
SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
       set_config('enable_material', 'off', true), set_config('enable_seqscan', 'off', true)
"""
_WITHIN = ", set_config('statement_timeout', '{}', true)"


def by_key(cursor: Any, *, within: int = 0) -> None:
    """Until the end of this transaction, a join looks each row up; and no statement takes more than so many
    milliseconds, if any are given."""
    cursor.execute(_BY_KEY + _WITHIN.format(within) if within else _BY_KEY)
