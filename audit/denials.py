"""Who was refused what. The first time within a minute is an entry at once, the rest are counted, and told in one more:
nobody writes into a chain as often as they please.

Somebody else's thing and a missing one are the same 404, here too: members read the ledger of their workspace, and an
entry about the first alone would say which ids there are elsewhere. One such answer is a stale link; many within a
minute are somebody who tries ids.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from audit import circumstances, ledger
from audit.models import Denial

KEY_REFUSED, DENIED, PROBED = "access.key_refused", "access.denied", "access.probed"
TOLD_AT = {KEY_REFUSED: 1, DENIED: 1, PROBED: 20}  # times within a minute
OVER = timedelta(minutes=2)  # after its beginning nobody counts in a minute any more

_COUNT = """
INSERT INTO audit_denial (chain, at, action, actor_id, role, via, what, times, told)
VALUES (%s, %s, %s, %s, %s, %s, %s, 1, 0)
ON CONFLICT (chain, at, action, actor_id, via, what) DO UPDATE SET times = audit_denial.times + 1
RETURNING *
"""


def note(action: str, *, chain: int, by: Any, what: str, now: datetime) -> None:
    """Nobody waits for a chain that somebody writes to: what is not told now is when its minute is closed."""
    here, minute = circumstances.current(), now.replace(second=0, microsecond=0)
    counted = Denial.objects.raw(_COUNT, [chain, minute, action, by and by.pk, here.role, here.via, what[:200]])
    [denial] = counted
    if denial.times == TOLD_AT[action]:
        with transaction.atomic():
            if ledger.is_free(chain):
                _tell(denial)


def close(*, now: datetime) -> None:
    """Tell what came after the first in minutes that are over, and forget them."""
    for pk in Denial.objects.filter(at__lt=now - OVER).values_list("pk", flat=True):
        with transaction.atomic():
            denial = Denial.objects.select_for_update(skip_locked=True).filter(pk=pk).first()
            if denial:
                _close(denial)


def _close(denial: Denial) -> None:
    if denial.times > denial.told and denial.times >= TOLD_AT[denial.action]:
        here = replace(circumstances.current(), role=denial.role, via=denial.via)
        token = circumstances.set_current(here)
        try:
            _tell(denial)
        finally:
            circumstances.reset(token)
    denial.delete()


def _tell(denial: Denial) -> None:
    after = {"times": denial.times, "within_minute": denial.at}
    ledger.record(denial.action, denial, by=denial.actor, after=after)
    Denial.objects.filter(pk=denial.pk).update(told=denial.times)
