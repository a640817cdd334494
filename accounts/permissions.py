"""The API's permission check: each view says which permission, and which scope of a key, a method needs."""

from typing import Any

from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from accounts import throttling
from accounts.models import ApiKey
from accounts.roles import Permission
from accounts.scopes import Scope


class MayOnWorkspace(BasePermission):
    """Reading needs the view's `read_permission` (VIEW unless it says otherwise), writing its `permission` (WRITE). A
    key needs the scope, too, that the view `reads` or `writes`: a view that names none is closed to keys."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if request.auth is None:
            throttling.count_nobody(request._request)
            return False
        reads = request.method in SAFE_METHODS
        needed = getattr(view, *(("read_permission", Permission.VIEW) if reads else ("permission", Permission.WRITE)))
        if needed not in request._request.permissions:  # type: ignore[attr-defined]
            raise PermissionDenied(f"This key may not {needed.label}.")
        # A method that the view has not is no matter of scopes: it is answered 405. OPTIONS describes nothing.
        handler = str(request.method).lower()
        if isinstance(request.auth, ApiKey) and handler != "options" and hasattr(view, handler):
            _check_scope(request.auth, getattr(view, "reads" if reads else "writes", None))
        return True


def _check_scope(key: ApiKey, scope: Scope | None) -> None:
    if scope is None or scope not in key.scopes:
        raise PermissionDenied(f"This key does not have the scope {scope or 'of this call'}.", code="scope_missing")
