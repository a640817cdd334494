"""Who calls the API: the workspace and the person that BearerAuthentication found."""

from typing import cast

from rest_framework.request import Request

from accounts.models import ApiKey, User, Workspace
from accounts.roles import Permission


def workspace_of(request: Request) -> Workspace:
    return cast(Workspace, request._request.workspace)  # type: ignore[attr-defined]


def permissions_of(request: Request) -> frozenset[Permission]:
    return cast(frozenset[Permission], request._request.permissions)  # type: ignore[attr-defined]


def user_of(request: Request) -> User:
    """Who answers for the call: the token's owner, or whoever made the workspace's key."""
    return cast(User, request.user)


def key_of(request: Request) -> ApiKey | None:
    """None for the session of a page."""
    return request.auth if isinstance(request.auth, ApiKey) else None


def token_owner_of(request: Request) -> User | None:
    """Whose own call it is; None for a key of the workspace, which is nobody's."""
    key = key_of(request)
    return None if key is not None and key.user_id is None else user_of(request)
