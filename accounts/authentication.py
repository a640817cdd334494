"""`Authorization: Bearer <key>` for the API, and the session for the few calls that our own pages make."""

from dataclasses import replace

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts import entering, keys, throttling
from accounts.access import permissions_in
from accounts.models import ApiKey, Membership, User, Workspace
from audit import circumstances, walls


class BearerAuthentication(BaseAuthentication):
    """Sets request.user (who answers for it), request.auth (the key) and, on the Django request, the workspace."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        now = timezone.now()
        caller = entering.enter(keys.digest_of(secret.strip()), now=now)
        if caller is None:
            throttling.count_stranger(request._request)
            raise AuthenticationFailed("This API key is unknown, revoked or out of date.")
        key, inner = caller.key, request._request
        if caller.lacks_second_step:
            walls.enter([])
            throttling.count_call(inner, key=key, user=key.user, workspace=key.workspace)
            raise AuthenticationFailed("Set up a second step of signing in first, on the pages: your role needs one.")
        inner.workspace = key.workspace  # type: ignore[attr-defined]
        inner.permissions = caller.permissions  # type: ignore[attr-defined]
        via = f"{'token' if key.user else 'key'} {key.prefix}"
        circumstances.set_current(replace(circumstances.current(), via=via, role=caller.role))
        keys.note_use(key, now=now)
        throttling.count_call(inner, key=key, user=key.user, workspace=key.workspace)
        return caller.user, key

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class PageAuthentication(SessionAuthentication):
    """The session of a page with its CSRF token, for views that name this class.

    `X-Workspace` says of which workspace the page was: another tab may have gone to another one meanwhile.
    """

    def authenticate(self, request: Request) -> tuple[User, Workspace] | None:
        wanted = request.headers.get("X-Workspace", "")
        found = super().authenticate(request) if wanted.isdecimal() else None
        if found is None:
            return None
        user: User = found[0]
        workspace = Workspace.objects.open_to(user).filter(pk=wanted).first()
        if workspace is None:
            raise AuthenticationFailed("You are not a member of this workspace.")
        walls.enter([workspace.pk])
        inner = request._request
        inner.workspace = workspace  # type: ignore[attr-defined]
        inner.permissions = permissions_in(workspace, user)  # type: ignore[attr-defined]
        membership = Membership.objects.of(workspace).filter(user=user).first()
        circumstances.set_current(replace(circumstances.current(), role=membership.role if membership else ""))
        throttling.count_call(inner, key=None, user=user, workspace=workspace)
        return user, workspace
