"""The API's permission check: each view says which permission a method needs."""

from typing import Any

from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from accounts.roles import Permission


class MayOnWorkspace(BasePermission):
    """Reading needs the view's `read_permission` (VIEW unless it says otherwise), writing its `permission` (WRITE)."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if request.auth is None:
            return False
        reads = request.method in SAFE_METHODS
        needed = getattr(view, *(("read_permission", Permission.VIEW) if reads else ("permission", Permission.WRITE)))
        if needed not in request._request.permissions:  # type: ignore[attr-defined]
            raise PermissionDenied(f"This key may not {needed.label}.")
        return True
