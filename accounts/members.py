"""An admin of a workspace says who belongs to it and as what: one function per verb, each in the ledger.

Nobody changes their own place or a super admin's, and a workspace keeps an admin.
"""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import governing, keys
from accounts.models import Membership, User, Workspace
from accounts.roles import Permission, Role, permissions_of
from audit.ledger import hold, record
from audit.refusal import Refused


@transaction.atomic
def add(workspace_id: int, *, user: User, role: str, by: User, is_moderator: bool = False) -> Membership:
    """Without asking them: for a super admin, who makes accounts as well. Everybody else invites."""
    workspace = lock(workspace_id, by=by)
    if not by.is_superuser:
        raise Refused(_("Invite them: only a super admin adds somebody without asking."), code="not_a_super_admin")
    if user.pk == by.pk:
        raise Refused(_("Somebody else must add you."), code="own_membership")
    if not user.is_active:
        raise Refused(_("The account of %(person)s is switched off.") % {"person": user}, code="switched_off")
    return admit(workspace, user, role=role, is_moderator=is_moderator, by=by, granted_by=by)


@transaction.atomic
def change(membership_id: int, *, role: str, by: User, now: datetime, is_moderator: bool = False) -> Membership:
    """From the next request on. Keys of the workspace that they made and may not make any more are revoked."""
    membership = _lock_member(membership_id, by=by)
    before, wanted = _shown(membership), place(role, is_moderator=is_moderator)
    if before == wanted:
        return membership
    if wanted["role"] != Role.ADMIN:
        _check_admin_stays(membership)
    membership.role, membership.is_moderator = wanted["role"], wanted["is_moderator"]
    membership.save(update_fields=["role", "is_moderator"])
    record("membership.changed", membership, by=by, before=before, after=wanted)
    _let_into_the_desk(membership, by=by)
    keys.revoke_unanswered(membership.user, by=by, now=now)
    return membership


@transaction.atomic
def remove(membership_id: int, *, by: User, now: datetime) -> None:
    """From the next request on they see nothing of the workspace, and their tokens for it are revoked; what they did
    stays theirs."""
    membership = _lock_member(membership_id, by=by)
    _let_go(membership, "membership.removed", by=by, now=now)


@transaction.atomic
def leave(workspace_id: int, *, by: User, now: datetime) -> None:
    """What everybody may do by themselves, but the last admin."""
    workspace = Workspace.objects.select_for_update(no_key=True).get(pk=workspace_id)
    hold(0, workspace_id)
    membership = Membership.objects.of(workspace).select_related("workspace", "user").filter(user=by).first()
    if membership is None:
        raise Refused(_("You are no member of %(workspace)s.") % {"workspace": workspace}, code="not_a_member")
    _let_go(membership, "membership.left", by=by, now=now)


def lock(workspace_id: int, *, by: User) -> Workspace:
    """One change of a workspace's members at a time: two admins cannot take each other's place."""
    otherwise = _("Only an admin of the workspace decides who belongs to it.")
    workspace = governing.lock(workspace_id, by=by, otherwise=otherwise)
    hold(0, workspace_id)  # what a person may everywhere hangs on where they belong
    return workspace


def admit(workspace: Workspace, user: User, *, role: str, is_moderator: bool, by: User, granted_by: User) -> Membership:
    """Whoever is entitled by a verb: `by` did it last, `granted_by` answers for it. Call with the workspace locked."""
    if Membership.objects.of(workspace).filter(user=user).exists():
        raise Refused(_("%(person)s is a member already.") % {"person": user}, code="already_member")
    membership = Membership(workspace=workspace, user=user, **place(role, is_moderator=is_moderator))
    membership.save()
    after = {"user": user.pk, "granted_by": granted_by.pk, **_shown(membership)}
    record("membership.created", membership, by=by, after=after)
    _let_into_the_desk(membership, by=granted_by)
    return membership


def place(role: str, *, is_moderator: bool) -> dict[str, Any]:
    """The flag says something of an author only: the other roles decide, or not, by themselves."""
    if role not in Role.values:
        raise Refused(_("There is no role “%(role)s”.") % {"role": role}, code="unknown_role", field="role")
    return {"role": str(Role(role)), "is_moderator": is_moderator and role == Role.AUTHOR}


def _lock_member(membership_id: int, *, by: User) -> Membership:
    workspace = lock(Membership.objects.values_list("workspace_id", flat=True).get(pk=membership_id), by=by)
    membership = Membership.objects.of(workspace).select_related("workspace", "user").get(pk=membership_id)
    if membership.user_id == by.pk:
        raise Refused(_("Somebody else must change your place here."), code="own_membership")
    if membership.user.is_superuser:
        raise Refused(_("Nobody changes the place of a super admin."), code="super_admin")
    return membership


def _let_go(membership: Membership, action: str, *, by: User, now: datetime) -> None:
    _check_admin_stays(membership)
    record(action, membership, by=by, before={"user": membership.user_id, **_shown(membership)})
    membership.delete()
    keys.revoke_unanswered(membership.user, by=by, now=now)


def _check_admin_stays(leaving: Membership) -> None:
    others = Membership.objects.of(leaving.workspace).active().admins()
    if leaving.role == Role.ADMIN and not others.exclude(pk=leaving.pk).exists():
        raise Refused(_("The workspace needs an admin: make somebody else one first."), code="last_admin")


def _shown(membership: Membership) -> dict[str, Any]:
    return {"role": str(membership.role), "is_moderator": membership.is_moderator}


def _let_into_the_desk(membership: Membership, *, by: User) -> None:
    """Who decides does so on the staff's desk. It shows nobody more than their workspaces, so the key is not taken away
    with the role."""
    user = membership.user
    granted = permissions_of(membership.role, is_moderator=membership.is_moderator)
    if Permission.DECIDE in granted and not user.is_staff:
        user.is_staff = True
        user.save(update_fields=["is_staff"])
        record("user.changed", user, by=by, before={"is_staff": False}, after={"is_staff": True})
