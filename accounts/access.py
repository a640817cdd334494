"""What a person, or a key, may do in a workspace."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from accounts import signing_in
from accounts.models import ApiKey, Membership, User, Workspace
from accounts.roles import KEY_PERMISSIONS, Permission
from accounts.scopes import Scope


def permissions_in(workspace: Workspace, user: User) -> frozenset[Permission]:
    if user.is_superuser:
        return frozenset(Permission)
    return _permissions_as(Membership.objects.of(workspace).filter(user=user).first())


def _permissions_as(membership: Membership | None) -> frozenset[Permission]:
    return membership.permissions if membership else frozenset()


def permissions_by(key: ApiKey, membership: Membership | None) -> frozenset[Permission]:
    """A key never decides; a personal token does what its user may, whose `membership` it is, and decides where the
    workspace allows it. Neither sees whole numbers without the scope for it."""
    if key.user is None:
        granted = KEY_PERMISSIONS
    else:
        granted = frozenset(Permission) if key.user.is_superuser else _permissions_as(membership)
    if not key.workspace.tokens_may_decide:
        granted -= {Permission.DECIDE}
    return granted if Scope.NUMBERS in key.scopes else granted - {Permission.SEE_NUMBERS}


def may_decide(user: User, workspace_id: int) -> bool:
    return user.is_active and Permission.DECIDE in permissions_in(Workspace.objects.get(pk=workspace_id), user)


def role_in(workspace: Workspace, user: User) -> str:
    """For the ledger, of whoever acts in another workspace than the one that they are in."""
    return Membership.objects.of(workspace).filter(user=user).values_list("role", flat=True).first() or ""


def signed_in(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """The page is for anybody who is somebody, member of a workspace or not."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return view(request, *args, **kwargs) if request.user.is_authenticated else signing_in.ask(request)

    return guarded


def for_super_admins(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """For everybody else there is nothing at this address."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return signing_in.ask(request)
        if not request.user.is_superuser:
            raise Http404
        return view(request, *args, **kwargs)

    return guarded


def writes_nothing(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """A POST that looks for something, or goes somewhere: it is open in the Master view, too."""
    view.writes_nothing = True  # type: ignore[attr-defined]
    return view


def requires(permission: Permission) -> Callable[[Callable[..., HttpResponseBase]], Callable[..., HttpResponseBase]]:
    """The page needs a workspace (else 404) and this permission in it (else 403)."""

    def decorate(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return signing_in.ask(request)
            workspace: Workspace | None = getattr(request, "workspace", None)
            if workspace is None:
                raise Http404(_("You are not a member of a workspace."))
            if permission not in request.permissions:  # type: ignore[attr-defined]
                raise PermissionDenied(_("Your role does not let you %(do)s.") % {"do": permission.label})
            return view(request, *args, **kwargs)

        guarded.required_permission = permission  # type: ignore[attr-defined]
        return guarded

    return decorate
