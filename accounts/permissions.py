"""The API's permission check: each view says which permission a method needs."""

from typing import Any

from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from accounts.roles import Permission


class MayOnWorkspace(BasePermission):
    """Reading needs VIEW; writing needs the view's `permission` (WRITE unless it says otherwise)."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if request.auth is None:
            return False
        needed = Permission.VIEW if request.method in SAFE_METHODS else getattr(view, "permission", Permission.WRITE)
        if needed not in request._request.permissions:  # type: ignore[attr-defined]
            raise PermissionDenied(f"This key may not {needed.label}.")
        return True
