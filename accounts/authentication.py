"""`Authorization: Bearer <key>` for the API."""

from dataclasses import replace
from datetime import timedelta

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts import keys
from accounts.access import permissions_by, role_of
from accounts.models import ApiKey, User
from audit import circumstances

LAST_USED_STEP = timedelta(minutes=1)


class BearerAuthentication(BaseAuthentication):
    """Sets request.user (who answers for it), request.auth (the key) and, on the Django request, the workspace."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        key = keys.find(secret.strip())
        if key is None:
            raise AuthenticationFailed("This API key is unknown or revoked.")
        user = key.user or key.created_by
        inner = request._request
        inner.workspace = key.workspace  # type: ignore[attr-defined]
        inner.permissions = permissions_by(key)  # type: ignore[attr-defined]
        circumstances.set_current(
            replace(circumstances.current(), via=f"{'token' if key.user else 'key'} {key.prefix}", role=role_of(key))
        )
        _note_use(key)
        return user, key

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def _note_use(key: ApiKey) -> None:
    now = timezone.now()
    if key.last_used_at is None or now - key.last_used_at > LAST_USED_STEP:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
