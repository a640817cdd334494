"""One number leaves every store of a workspace: asked for by an admin, done by a task, place by place (docs/adr/0067).

From the moment in which it is asked for nothing is sent to it. Every place is gone through, and once more when what was
on its way has arrived; until then the number is kept sealed, and in no address, task, log or entry of the ledger.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.access import permissions_in
from accounts.models import User, Workspace
from accounts.roles import Permission
from audit.commits import afterwards
from audit.ledger import change_status, record
from audit.refusal import Refused
from recipients import forgetting, suppressions
from reports import erasure_places, sealed, tasks
from reports.models import Erasure, ErasureStep
from reports.statuses import ERASURE_MOVES, ErasureStatus

logger = logging.getLogger(__name__)

KNOWN_BY = 12  # digits of the keyed hash
LEASE = timedelta(minutes=15)  # renewed with each list, which takes seconds
Clock = Callable[[], datetime]


@transaction.atomic
def ask(workspace: Workspace, number: str, *, reason: str, by: User | None, now: datetime) -> Erasure:
    """`by` is None at the server's shell. Raises Refused for what is no number, and while it is being erased."""
    if by is not None and Permission.MANAGE not in permissions_in(workspace, by):
        raise Refused(_("Only an admin of the workspace has a number erased."), code="not_an_admin")
    phone = suppressions.number_of(number, workspace)
    why = suppressions.checked_reason(reason, phone)
    try:
        with transaction.atomic():
            erasure = Erasure.objects.create(
                workspace=workspace,
                reason=why,
                known_as=suppressions.fingerprint(phone)[:KNOWN_BY],
                look_at=now,
                asked_by=by,
                asked_at=now,
            )
    except IntegrityError:
        raise Refused(_("This number is being erased already."), code="being_erased") from None
    erasure.sealed = sealed.seal(phone, of=erasure.pk)
    erasure.save(update_fields=["sealed"])
    forgetting.suppress_for_ever(workspace, phone, reason=why, by=by)
    record("erasure.asked", erasure, by=by, note=why, after={"hash": erasure.known_as})
    afterwards(tasks.erase_number.delay, erasure.pk)
    return erasure


def work_on(erasure_id: int, *, clock: Clock) -> None:
    """Go through every place, from where a look before has come to. May be called any number of times."""
    erasure = _claim(erasure_id, now=clock())
    if erasure is None:
        return
    phone = sealed.opened(erasure.sealed, of=erasure.pk)
    look = erasure.looks + 1
    for place, clear in erasure_places.PLACES.items():
        step, _made = ErasureStep.objects.get_or_create(erasure=erasure, place=place)
        if step.look < look:
            clear(erasure_places.Work(erasure=erasure, step=step, phone=phone, clock=clock, renew=_renewal(erasure)))
            erasure_places.note(step, look=look, at=0)
    _end_look(erasure, look, now=clock())


def ring_due(*, now: datetime) -> None:
    for erasure_id in Erasure.objects.due(now).order_by("pk").values_list("pk", flat=True):
        tasks.erase_number.delay(erasure_id)


@transaction.atomic
def _claim(erasure_id: int, *, now: datetime) -> Erasure | None:
    erasure = Erasure.objects.lock(erasure_id)
    if not Erasure.objects.due(now).filter(pk=erasure_id).exists():
        return None
    erasure.lease_until = now + LEASE
    erasure.save(update_fields=["lease_until"])
    return erasure


def _renewal(erasure: Erasure) -> Callable[[datetime], None]:
    def renew(now: datetime) -> None:
        Erasure.objects.filter(pk=erasure.pk).update(lease_until=now + LEASE)

    return renew


@transaction.atomic
def _end_look(erasure: Erasure, look: int, *, now: datetime) -> None:
    """Done once everybody who had it in memory is through, and nothing may come any more that brings it back."""
    erasure = Erasure.objects.lock(erasure.pk)
    if erasure.looks >= look or erasure.status == ErasureStatus.DONE:
        return
    steps = list(erasure.steps.all())
    erasure.looks, erasure.lease_until = look, None
    settled = erasure.asked_at + erasure_places.READ_WITHIN
    moved = ["looks", "lease_until", "look_at", "waits_until"]
    if any(step.awaited for step in steps if step.place in erasure_places.HEARD_LATE):
        erasure.waits_until = now + settings.DEFAULT_VALIDITY + settings.RECEIPT_GRACE
    heard_by = erasure.waits_until or now
    if now < settled:
        erasure.look_at = settled
    elif any(step.awaited for step in steps):
        erasure.look_at = now + erasure_places.READ_WITHIN
    elif now < heard_by:
        erasure.look_at = heard_by
    else:
        _finish(erasure, steps, now=now)
        return
    if now >= settled and erasure.status == ErasureStatus.RUNNING:
        change_status(erasure, ErasureStatus.WAITING, moves=ERASURE_MOVES, by=None, also_save=moved)
    else:
        erasure.save(update_fields=moved)


def _finish(erasure: Erasure, steps: list[ErasureStep], *, now: datetime) -> None:
    erasure.sealed, erasure.done_at = "", now
    found = {step.place: step.found for step in steps if step.found}
    unread = sum(step.unread for step in steps)
    change_status(
        erasure,
        ErasureStatus.DONE,
        moves=ERASURE_MOVES,
        by=None,
        also_save=["sealed", "done_at", "looks", "lease_until"],
        after={"hash": erasure.known_as, "erased": found} | ({"unread": unread} if unread else {}),
    )
