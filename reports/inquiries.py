"""What was sent to one number, and why: asked for with a reason, answered by a task as a signed file (docs/adr/0082).

The number is in the row until it is answered, then only in the file: in no address, task, log or entry of the ledger.
"""

import math
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import cast

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.access import permissions_in
from accounts.models import User, Workspace
from accounts.roles import Permission
from audit import walls
from audit.commits import afterwards
from audit.ledger import change_status, record
from audit.refusal import Refused
from audit.wording import stored
from objects.trouble import ObjectMissing
from recipients import suppressions
from recipients.chunks import ChunkDamaged
from reports import bundle, inquiry_answer, inquiry_paper, signing_keys, tasks
from reports.models import Inquiry
from reports.statuses import MOVES, UNFINISHED, Status

PREFIX = "inquiries/"
KNOWN_BY = 12  # digits of the keyed hash
RATED = timedelta(hours=1)
LEASE = timedelta(minutes=5)  # renewed with each list
GIVE_UP = timedelta(hours=24)
ERASED = stored(gettext_noop("The number was erased."))
LATE = stored(gettext_noop("It could not be answered within a day."))
PART_MISSING = stored(gettext_noop("A part of a list is missing from the object storage."))
Clock = Callable[[], datetime]


@transaction.atomic
def ask(workspace: Workspace, number: str, *, reason: str, by: User, now: datetime) -> Inquiry:
    """Raises Refused for what is no number, without a reason, and for whoever asks too often."""
    if Permission.PROVE not in permissions_in(workspace, by):
        raise Refused(_("Your role does not let you %(do)s.") % {"do": Permission.PROVE.label}, code="not_yours_to_ask")
    phone = suppressions.number_of(number, workspace)
    why = suppressions.checked_reason(reason, phone)
    _check_rate(by, now=now)
    inquiry = Inquiry.objects.create(
        workspace=workspace, phone=phone, known_as=known_as(phone), reason=why, asked_by=by, asked_at=now
    )
    record("inquiry.asked", inquiry, by=by, note=why, after={"hash": inquiry.known_as})
    afterwards(tasks.answer_inquiry.delay, inquiry.pk)
    return inquiry


def _check_rate(by: User, *, now: datetime) -> None:
    asked = Inquiry.objects.filter(asked_by=by, asked_at__gt=now - RATED).order_by("-asked_at")
    lately = list(asked.values_list("asked_at", flat=True)[: settings.INQUIRIES_PER_HOUR])
    if len(lately) >= settings.INQUIRIES_PER_HOUR:
        words = _("You have asked about %(count)d numbers within an hour: wait a while.") % {"count": len(lately)}
        wait = math.ceil((lately[-1] + RATED - now).total_seconds()) if lately else RATED.total_seconds()
        raise Refused(words, code="too_many_inquiries", retry_after=max(int(wait), 1))


def known_as(phone: int) -> str:
    return suppressions.fingerprint(phone)[:KNOWN_BY]


def work_on(inquiry_id: int, *, clock: Clock) -> None:
    """Answer it. May be called any number of times: somebody at work, or an inquiry that is over, is left alone."""
    inquiry = _claim(inquiry_id, now=clock())
    if inquiry is None:
        return

    def tell(percent: int) -> None:
        Inquiry.objects.filter(pk=inquiry.pk, status=Status.RUNNING).update(
            percent=percent, lease_until=clock() + LEASE
        )

    try:
        with walls.within(inquiry.workspace_id):
            answer = inquiry_answer.of(inquiry, now=clock(), tell=tell)
    except ChunkDamaged as damage:
        _end(inquiry.pk, Status.FAILED, failure=str(damage))
        return
    except ObjectMissing:
        _end(inquiry.pk, Status.FAILED, failure=PART_MISSING)
        return
    key = f"{PREFIX}{uuid.uuid4().hex}"
    default_storage.save(key, ContentFile(_signed(answer, inquiry)))
    if not _end(inquiry.pk, Status.READY, key=key, ready_at=clock()):
        default_storage.delete(key)


def read(inquiry: Inquiry) -> inquiry_answer.Answer:
    """What was answered; raises Refused while there is nothing yet, or no more."""
    if inquiry.status != Status.READY:
        told = {"status": inquiry.get_status_display().lower()}
        raise Refused(_("The inquiry is %(status)s, not ready.") % told, code="not_ready")
    with default_storage.open(inquiry.key, "rb") as file:
        return cast(inquiry_answer.Answer, bundle.member(file.read(), bundle.INQUIRY))


def ring_again(*, now: datetime) -> None:
    for inquiry_id in Inquiry.objects.left_alone(now).order_by("pk").values_list("pk", flat=True):
        tasks.answer_inquiry.delay(inquiry_id)


def let_go(*, now: datetime) -> None:
    """Delete the answers that were kept long enough."""
    for inquiry_id in Inquiry.objects.kept_too_long(now).order_by("pk").values_list("pk", flat=True):
        _end(inquiry_id, Status.EXPIRED)


def forget(workspace: Workspace, phone: int) -> int:
    """The answers about a number that is erased; how many there were."""
    names = [known[:KNOWN_BY] for known in suppressions.fingerprints(phone)]
    about = Inquiry.objects.of(workspace).filter(known_as__in=names).order_by("pk")
    answered = list(about.filter(status=Status.READY).values_list("pk", flat=True))
    asked = list(about.filter(status__in=UNFINISHED).values_list("pk", flat=True))
    gone = [_end(inquiry_id, Status.EXPIRED) for inquiry_id in answered]
    return sum(gone + [_end(inquiry_id, Status.FAILED, failure=ERASED) for inquiry_id in asked])


def _signed(answer: inquiry_answer.Answer, inquiry: Inquiry) -> bytes:
    key = signing_keys.today()
    language = inquiry.asked_by.language or settings.LANGUAGE_CODE
    paper = inquiry_paper.made(answer, public=bundle.public_text(key), language=language)
    return bundle.pack({bundle.INQUIRY: answer, bundle.PAPER: paper}, key=key, format=bundle.INQUIRY_FORMAT)


@transaction.atomic
def _claim(inquiry_id: int, *, now: datetime) -> Inquiry | None:
    inquiry = Inquiry.objects.lock(inquiry_id)
    if not Inquiry.objects.left_alone(now).filter(pk=inquiry_id).exists():
        return None
    if now - inquiry.asked_at > GIVE_UP:
        inquiry.failure, inquiry.phone = LATE, None
        change_status(inquiry, Status.FAILED, moves=MOVES, by=None, note=LATE, also_save=["failure", "phone"])
        return None
    inquiry.lease_until = now + LEASE
    if inquiry.status == Status.QUEUED:
        change_status(inquiry, Status.RUNNING, moves=MOVES, by=None, also_save=["lease_until"])
    else:
        inquiry.save(update_fields=["lease_until"])
    return inquiry


@transaction.atomic
def _end(inquiry_id: int, to: Status, *, key: str = "", failure: str = "", ready_at: datetime | None = None) -> bool:
    """With whatever the status brings; the number goes, and so does the file of one that expires. False when another
    was first."""
    inquiry = Inquiry.objects.lock(inquiry_id)
    if to not in MOVES[Status(inquiry.status)]:
        return False
    if inquiry.key:
        afterwards(default_storage.delete, inquiry.key)
    inquiry.phone, inquiry.lease_until, inquiry.key, inquiry.failure = None, None, key, failure
    inquiry.ready_at = ready_at or inquiry.ready_at
    saved = ["phone", "lease_until", "key", "failure", "ready_at"]
    change_status(inquiry, to, moves=MOVES, by=None, note=failure, also_save=saved)
    return True
