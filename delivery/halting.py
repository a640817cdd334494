"""Stopping everything: while a halt is in force the statement of the intent writes none, whoever asks."""

from datetime import datetime

from django.db import transaction
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import User
from audit.ledger import record
from audit.refusal import Refused
from campaigns.models import Campaign
from campaigns.statuses import Mode
from delivery.models import Halt
from delivery.statuses import HaltKind

LONGEST_REASON = 500


@transaction.atomic
def stop(kind: HaltKind, *, reason: str, by: User | None, now: datetime) -> Halt:
    """From the commit on nothing new is handed over, by any worker, in any campaign; what has been written to a socket
    is not taken back. Raises Refused when this kind of halt is in force already."""
    reason = _checked(reason)
    # Two who stop at once: the second one waits here and finds the first one's halt.
    halt, is_new = Halt.objects.get_or_create(
        kind=kind, released_at=None, defaults={"reason": reason, "at": now, "by": by}
    )
    if not is_new:
        raise Refused(
            _("Everything stands still already, since %(at)s UTC.") % {"at": date_format(halt.at, "j F Y, H:i:s")},
            code="halted",
        )
    record("halt.begun", halt, by=by, note=reason, after={"kind": kind})
    return halt


@transaction.atomic
def release(kind: HaltKind, *, reason: str, by: User | None, now: datetime) -> Halt:
    """Let go: campaigns that are sending go on, due ones start, or are missed if their grace is over."""
    reason = _checked(reason)
    halt = Halt.objects.in_force().select_for_update().filter(kind=kind).first()
    if halt is None:
        raise Refused(_("There is no such halt in force."), code="not_halted")
    halt.released_at, halt.release_reason = now, reason
    halt.save(update_fields=["released_at", "release_reason"])
    # As after a pause: what is left of a spread campaign gets a new line, not a heap.
    Campaign.objects.sending().filter(mode=Mode.SPREAD).update(resumed_at=now)
    record("halt.released", halt, by=by, note=reason, after={"kind": kind})
    return halt


def in_force() -> list[Halt]:
    return list(Halt.objects.in_force().order_by("at", "pk"))


def _checked(text: str) -> str:
    reason = text.strip()
    if not reason:
        raise Refused(_("Say why."), code="reason_missing")
    return reason[:LONGEST_REASON]
