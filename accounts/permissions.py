"""The API's permission check: each view says which permission a method needs."""

from typing import Any

from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from accounts.models import ApiKey
from accounts.roles import Permission
from accounts.scopes import Scope


class MayOnWorkspace(BasePermission):
    """Reading needs VIEW, or the view's `permission_to_read`; writing needs its `permission`, or WRITE. A key needs, in
    addition, the scope that the view names as what it `reads` or `writes`; a view that names none is closed to keys."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if request.auth is None:
            return False
        is_reading = request.method in SAFE_METHODS
        needed = (
            getattr(view, "permission_to_read", Permission.VIEW)
            if is_reading
            else getattr(view, "permission", Permission.WRITE)
        )
        if needed not in request._request.permissions:  # type: ignore[attr-defined]
            raise PermissionDenied(f"This key may not {needed.label}.")
        if isinstance(request.auth, ApiKey):
            _check_scope(request.auth, getattr(view, "reads" if is_reading else "writes", None))
        return True


def _check_scope(key: ApiKey, scope: Scope | None) -> None:
    if scope is None or scope not in key.scopes:
        raise PermissionDenied(f"This key does not have the scope {scope or 'of this call'}.", code="scope_missing")
