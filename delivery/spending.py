"""What a workspace with a limit spends, in parts: counted in the transaction of the intent that it pays for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from accounts.models import Workspace
from delivery import reasons
from delivery.copying import array


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    of_day: int
    of_month: int


class LimitReached(Exception):
    """The next recipient costs more than is left; the message is a sentence for people."""


def spend(workspace: Workspace, costs: Sequence[int], *, now: datetime) -> int:
    """Count the parts of as many recipients as fit, in their order; how many these are. Inside the transaction of their
    intent, whose end lets the next batch of the workspace in. Raises LimitReached when not even the first fits."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM spend_parts(%s, %s::integer[], %s)", [workspace.pk, array(costs), now])
        fitting, day_limit, month_limit = cursor.fetchone()
    if fitting or not costs:
        return int(fitting)
    if day_limit is not None:
        raise LimitReached(reasons.DAY_LIMIT % {"parts": day_limit})
    raise LimitReached(reasons.MONTH_LIMIT % {"parts": month_limit})


def give_back(workspace: Workspace, parts: int, *, at: datetime) -> None:
    """What was counted at that moment and was not handed over after all."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT return_parts(%s, %s, %s)", [workspace.pk, parts, at])


def spent(workspace: Workspace, *, now: datetime) -> Spent:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM spent_parts(%s, %s)", [workspace.pk, now])
        of_day, of_month = cursor.fetchone()
    return Spent(of_day=of_day, of_month=of_month)
