"""An admin of a workspace says who belongs to it and as what: one function per verb, each in the ledger.

Nobody changes their own place or a super admin's, and a workspace keeps an admin.
"""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.access import permissions_in
from accounts.models import Membership, User, Workspace
from accounts.roles import Permission, Role, permissions_of
from audit.ledger import record
from audit.refusal import Refused


@transaction.atomic
def add(workspace_id: int, *, email: str, role: str, by: User, is_moderator: bool = False) -> Membership:
    """Somebody who has an account already."""
    workspace = _lock(workspace_id, by=by)
    user = User.objects.filter(email__iexact=email.strip(), is_active=True).first()
    if user is None:
        raise Refused(_("Nobody here has the email “%(email)s”.") % {"email": email.strip()}, code="unknown_person")
    if Membership.objects.of(workspace).filter(user=user).exists():
        raise Refused(_("%(person)s is a member already.") % {"person": user}, code="already_member")
    if user.pk == by.pk:
        raise Refused(_("Somebody else must add you."), code="own_membership")
    membership = Membership(workspace=workspace, user=user, **_place(role, is_moderator=is_moderator))
    membership.save()
    record("membership.created", membership, by=by, after={"user": user.pk, **_shown(membership)})
    _let_into_the_desk(membership, by=by)
    return membership


@transaction.atomic
def change(membership_id: int, *, role: str, by: User, is_moderator: bool = False) -> Membership:
    membership = _lock_member(membership_id, by=by)
    before, place = _shown(membership), _place(role, is_moderator=is_moderator)
    if before == place:
        return membership
    if place["role"] != Role.ADMIN:
        _check_admin_stays(membership)
    membership.role, membership.is_moderator = place["role"], place["is_moderator"]
    membership.save(update_fields=["role", "is_moderator"])
    record("membership.changed", membership, by=by, before=before, after=place)
    _let_into_the_desk(membership, by=by)
    return membership


@transaction.atomic
def remove(membership_id: int, *, by: User) -> None:
    """Their sessions and tokens see nothing of the workspace any more; what they did stays theirs."""
    membership = _lock_member(membership_id, by=by)
    _check_admin_stays(membership)
    record("membership.removed", membership, by=by, before={"user": membership.user_id, **_shown(membership)})
    membership.delete()


def _lock(workspace_id: int, *, by: User) -> Workspace:
    """One change of a workspace's members at a time: two admins cannot take each other's place."""
    workspace = Workspace.objects.select_for_update(no_key=True).get(pk=workspace_id)
    if Permission.MANAGE not in permissions_in(workspace, by):
        raise Refused(_("Only an admin of the workspace decides who belongs to it."), code="not_an_admin")
    return workspace


def _lock_member(membership_id: int, *, by: User) -> Membership:
    workspace = _lock(Membership.objects.values_list("workspace_id", flat=True).get(pk=membership_id), by=by)
    membership = Membership.objects.of(workspace).select_related("workspace", "user").get(pk=membership_id)
    if membership.user_id == by.pk:
        raise Refused(_("Somebody else must change your place here."), code="own_membership")
    if membership.user.is_superuser:
        raise Refused(_("Nobody changes the place of a super admin."), code="super_admin")
    return membership


def _check_admin_stays(leaving: Membership) -> None:
    others = Membership.objects.of(leaving.workspace).filter(role=Role.ADMIN, user__is_active=True)
    if leaving.role == Role.ADMIN and not others.exclude(pk=leaving.pk).exists():
        raise Refused(_("The workspace needs an admin: make somebody else one first."), code="last_admin")


def _place(role: str, *, is_moderator: bool) -> dict[str, Any]:
    """The flag says something of an author only: the other roles decide, or not, by themselves."""
    return {"role": str(Role(role)), "is_moderator": is_moderator and role == Role.AUTHOR}


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
