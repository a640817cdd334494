"""A person changes a sender or a revision: one function per verb."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.access import may_decide
from accounts.models import User, Workspace
from audit.ledger import change_status, record
from audit.refusal import Refused
from senders import addresses
from senders.models import Revision, Sender
from senders.statuses import REVISION_MOVES, SENDER_MOVES, RevisionStatus, SenderStatus


@transaction.atomic
def create(workspace: Workspace, *, name: str, by: User) -> Sender:
    name = name.strip()
    if not name:
        raise Refused(_("A sender needs a name."), code="name_missing")
    if Sender.objects.of(workspace).exclude(status=SenderStatus.ARCHIVED).filter(name=name).exists():
        raise Refused(_("There is already a sender “%(name)s”.") % {"name": name}, code="name_taken")
    sender = Sender.objects.create(workspace=workspace, name=name, created_by=by)
    record("sender.created", sender, by=by, after={"name": name})
    return sender


@transaction.atomic
def submit_revision(
    sender_id: int,
    *,
    saddr: str,
    by: User,
    reason: str = "",
    ton: int | None = None,
    npi: int | None = None,
    evidence: Any = None,
) -> Revision:
    """The next revision, pending a moderator's decision. TON and NPI follow from the address unless given."""
    sender = Sender.objects.lock(sender_id)
    if sender.status == SenderStatus.ARCHIVED:
        raise Refused(_("The sender “%(name)s” is archived.") % {"name": sender.name}, code="wrong_status")
    if sender.revisions.pending().exists():
        raise Refused(
            _("A revision of “%(name)s” is waiting for its decision already.") % {"name": sender.name},
            code="revision_pending",
        )
    address = addresses.parse(saddr)
    last = sender.revisions.order_by("-number").first()
    revision = Revision.objects.create(
        sender=sender,
        number=last.number + 1 if last else 1,
        saddr=address.saddr,
        ton=address.ton if ton is None else ton,
        npi=address.npi if npi is None else npi,
        reason=reason,
        evidence=evidence or "",
        submitted_by=by,
        submitted_at=timezone.now(),
    )
    record(
        "revision.submitted", revision, by=by, note=reason, after={"saddr": revision.saddr, "number": revision.number}
    )
    if SenderStatus.PENDING in SENDER_MOVES[SenderStatus(sender.status)]:
        change_status(sender, SenderStatus.PENDING, moves=SENDER_MOVES, by=by)
    return revision


@transaction.atomic
def approve_revision(revision_id: int, *, by: User, now: datetime, reason: str = "") -> Revision:
    revision = _lock_for_decision(revision_id, by=by)
    _decide(revision, RevisionStatus.APPROVED, by=by, now=now, reason=reason)
    if revision.sender.status == SenderStatus.PENDING:
        change_status(revision.sender, SenderStatus.APPROVED, moves=SENDER_MOVES, by=by)
    return revision


@transaction.atomic
def reject_revision(revision_id: int, *, by: User, now: datetime, reason: str) -> Revision:
    if not reason.strip():
        raise Refused(_("Say why: the author reads the reason."), code="reason_missing")
    revision = _lock_for_decision(revision_id, by=by)
    _decide(revision, RevisionStatus.REJECTED, by=by, now=now, reason=reason)
    if revision.sender.status == SenderStatus.PENDING:
        change_status(revision.sender, SenderStatus.REJECTED, moves=SENDER_MOVES, by=by)
    return revision


@transaction.atomic
def archive(sender_id: int, *, by: User) -> Sender:
    sender = Sender.objects.lock(sender_id)
    change_status(sender, SenderStatus.ARCHIVED, moves=SENDER_MOVES, by=by)
    return sender


def _lock_for_decision(revision_id: int, *, by: User) -> Revision:
    sender = Sender.objects.lock(Revision.objects.values_list("sender_id", flat=True).get(pk=revision_id))
    revision = Revision.objects.select_for_update(of=("self",)).get(pk=revision_id)
    revision.sender = sender
    if not may_decide(by, sender.workspace_id):
        raise Refused(_("Only a moderator of the workspace decides."), code="not_a_moderator")
    if sender.workspace.four_eyes and revision.submitted_by_id == by.pk:
        raise Refused(_("Somebody other than the author of a revision must decide on it."), code="four_eyes")
    return revision


def _decide(revision: Revision, to: RevisionStatus, *, by: User, now: datetime, reason: str) -> None:
    revision.decided_by, revision.decided_at, revision.decision_reason = by, now, reason
    change_status(
        revision,
        to,
        moves=REVISION_MOVES,
        by=by,
        note=reason,
        also_save=["decided_by", "decided_at", "decision_reason"],
        after={"number": revision.number, "saddr": revision.saddr},
    )
