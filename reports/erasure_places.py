"""Where a number is looked for, in which order, and by which verb of which room."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F

from accounts import idempotency
from campaigns import trials
from delivery import erasing, matching
from delivery.erasing import Erased
from recipients import forgetting
from recipients.forgetting import Cleared
from reports import exports, inquiries
from reports.models import Erasure, ErasureStep
from reports.statuses import Place

# Whoever has the number in memory by then (a batch, an export, a page) is through with it.
READ_WITHIN = timedelta(minutes=6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    erasure: Erasure
    step: ErasureStep
    phone: int
    clock: Callable[[], datetime]
    renew: Callable[[datetime], None]


def note(step: ErasureStep, *, found: int = 0, **values: int) -> None:
    """What was found is added, so that whoever goes on after a kill loses none of it."""
    ErasureStep.objects.filter(pk=step.pk).update(found=F("found") + found, **values)


def _calls(work: Work) -> None:
    note(work.step, found=idempotency.forget_number(work.erasure.workspace, work.phone))


def _test_phones(work: Work) -> None:
    workspace = work.erasure.workspace
    note(work.step, found=forgetting.drop_test_phone(workspace, work.phone))
    note(work.step, found=trials.forget_number(workspace, work.phone))


def _messages(work: Work) -> None:
    _note_erased(work, erasing.messages(work.erasure.workspace, work.phone))


def _receipts(work: Work) -> None:
    _note_erased(work, erasing.receipts(work.phone, tried_until=work.clock() - matching.HOPE))


def _inbound(work: Work) -> None:
    _note_erased(work, erasing.inbound(work.erasure.workspace, work.phone))


def _incidents(work: Work) -> None:
    _note_erased(work, erasing.incidents(work.erasure.workspace, work.phone))


def _note_erased(work: Work, erased: Erased) -> None:
    note(work.step, found=erased.rows, awaited=erased.awaited)


def _lists(work: Work) -> None:
    workspace = work.erasure.workspace
    forgetting.clear_leftovers(workspace, now=work.clock())
    note(work.step, found=forgetting.sentences(workspace, work.phone))
    _one_by_one(
        work,
        forgetting.lists_of(workspace, after=work.step.at),
        lambda pk: forgetting.list_(pk, work.phone, now=work.clock()),
    )
    left = forgetting.clear_replaced(workspace, before=work.clock() - READ_WITHIN)
    note(work.step, awaited=left + forgetting.to_come(workspace, work.erasure.asked_at))


def _imports(work: Work) -> None:
    _one_by_one(
        work,
        forgetting.imports_of(work.erasure.workspace, after=work.step.at),
        lambda pk: forgetting.import_(pk, work.phone),
    )


def _one_by_one(work: Work, ids: list[int], clear: Callable[[int], Cleared]) -> None:
    if not work.step.at:
        note(work.step, unread=0)
    for pk in ids:
        cleared = clear(pk)
        note(work.step, found=cleared.places, at=pk)
        ErasureStep.objects.filter(pk=work.step.pk).update(unread=F("unread") + cleared.unread)
        work.renew(work.clock())


def _exports(work: Work) -> None:
    """After the lists: what is written from now on has nobody in its place."""
    taken = exports.withdraw(work.erasure.workspace, read_within=READ_WITHIN)
    note(work.step, found=taken.withdrawn, awaited=taken.under_way)


def _inquiries(work: Work) -> None:
    note(work.step, found=inquiries.forget(work.erasure.workspace, work.phone))


def _suppressed(work: Work) -> None:
    """Last, and only once nobody can have the number in memory: until then it keeps a retry from it."""
    if work.clock() >= work.erasure.asked_at + READ_WITHIN:
        note(work.step, found=forgetting.drop_suppressed(work.erasure.workspace, work.phone))


PLACES: dict[Place, Callable[[Work], None]] = {
    Place.CALLS: _calls,
    Place.TEST_PHONES: _test_phones,
    Place.MESSAGES: _messages,
    Place.RECEIPTS: _receipts,
    Place.INBOUND: _inbound,
    Place.INCIDENTS: _incidents,
    Place.LISTS: _lists,
    Place.IMPORTS: _imports,
    Place.EXPORTS: _exports,
    Place.INQUIRIES: _inquiries,
    Place.SUPPRESSED: _suppressed,
}
HEARD_LATE = frozenset({Place.MESSAGES, Place.RECEIPTS})
