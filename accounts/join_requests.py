"""Somebody asks to belong to a workspace of which they know the code or the name; an admin of it grants or refuses.

Whoever asks is told the same whether there is such a workspace or not (docs/adr/0057).
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts import members
from accounts.models import JoinRequest, Membership, User, Workspace
from accounts.statuses import JOIN_REQUEST_MOVES as MOVES
from accounts.statuses import JoinRequestStatus
from audit import walls
from audit.ledger import change_status, hold, record
from audit.models import Entry
from audit.refusal import Refused

A_DAY = 10  # questions of one person, answered or not: nobody goes through the dictionary
ASKED = "user.asked_to_join"
LONGEST = 500


@transaction.atomic
@walls.everything()  # whoever asks is no member yet
def ask(user_id: int, *, wanted: str, message: str, now: datetime) -> None:
    """Nothing in the answer, nor in the limit, depends on whether `wanted` is a workspace."""
    workspace = _lock_named(wanted.strip())
    user = User.objects.select_for_update(no_key=True).get(pk=user_id)
    if Entry.objects.about(user).filter(chain=0, action=ASKED, at__gt=now - timedelta(days=1)).count() >= A_DAY:
        raise Refused(_("You have asked %(times)s times today: go on tomorrow.") % {"times": A_DAY}, code="too_many")
    hold(0, *([workspace.pk] if workspace else []))
    record(ASKED, user, by=user)
    if workspace is not None and _may_ask(user, workspace):
        asked = JoinRequest(workspace=workspace, user=user, message=message.strip()[:LONGEST], asked_at=now)
        asked.save()
        record("joinrequest.created", asked, by=user)


@transaction.atomic
def grant(request_id: int, *, role: str, by: User, now: datetime, is_moderator: bool = False) -> Membership:
    asked = _lock(request_id, by=by)
    _decide(asked, JoinRequestStatus.GRANTED, by=by, now=now)
    if not asked.user.is_active:
        raise Refused(_("The account of %(person)s is switched off.") % {"person": asked.user}, code="switched_off")
    return members.admit(asked.workspace, asked.user, role=role, is_moderator=is_moderator, by=by, granted_by=by)


@transaction.atomic
def refuse(request_id: int, *, by: User, now: datetime, reason: str = "") -> JoinRequest:
    asked = _lock(request_id, by=by)
    asked.reason = reason.strip()[:LONGEST]
    _decide(asked, JoinRequestStatus.REFUSED, by=by, now=now)
    return asked


@transaction.atomic
def take(workspace_id: int, *, takes: bool, by: User) -> Workspace:
    """Whether the workspace may be asked at all."""
    workspace = members.lock(workspace_id, by=by)
    if workspace.takes_requests != takes:
        workspace.takes_requests = takes
        workspace.save(update_fields=["takes_requests"])
        was = {"takes_requests": not takes}
        record("workspace.changed", workspace, by=by, before=was, after={"takes_requests": takes})
    return workspace


def _lock_named(wanted: str) -> Workspace | None:
    """By its code, or by a name that only one has. Locked before the person, as every verb of members does."""
    found = Workspace.objects.filter(Q(slug__iexact=wanted) | Q(name__iexact=wanted), takes_requests=True)
    rows = list(found.order_by("pk")[:20])
    of_this_code = [row for row in rows if row.slug == wanted.lower()]
    if len(of_this_code or rows) != 1:
        return None
    return Workspace.objects.select_for_update(no_key=True).get(pk=(of_this_code or rows)[0].pk)


def _may_ask(user: User, workspace: Workspace) -> bool:
    """Not again while the last question waits, and not as a member."""
    is_member = Membership.objects.of(workspace).filter(user=user).exists()
    return not is_member and not JoinRequest.objects.of(workspace).pending().filter(user=user).exists()


def _lock(request_id: int, *, by: User) -> JoinRequest:
    workspace = members.lock(JoinRequest.objects.values_list("workspace_id", flat=True).get(pk=request_id), by=by)
    return JoinRequest.objects.of(workspace).select_related("workspace", "user").get(pk=request_id)


def _decide(asked: JoinRequest, to: JoinRequestStatus, *, by: User, now: datetime) -> None:
    asked.decided_by, asked.decided_at = by, now
    change_status(asked, to, moves=MOVES, by=by, note=asked.reason, also_save=["decided_by", "decided_at", "reason"])
