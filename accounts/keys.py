"""API keys and personal tokens: made, found, revoked. The secret is shown once and stored as its digest."""

import hashlib
import secrets
from datetime import datetime

from django.db import transaction

from accounts.models import ApiKey, User, Workspace
from audit.ledger import record


def digest_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


@transaction.atomic
def create(workspace: Workspace, *, name: str, by: User, user: User | None = None) -> tuple[ApiKey, str]:
    """The new key and its secret. With `user` it is that person's token; without, the workspace's key."""
    secret = f"mc_{secrets.token_urlsafe(32)}"
    key = ApiKey.objects.create(
        workspace=workspace, user=user, name=name, prefix=secret[:8], digest=digest_of(secret), created_by=by
    )
    record("apikey.created", key, by=by, after={"name": name, "user": user.pk if user else None})
    return key, secret


@transaction.atomic
def revoke(key_id: int, *, by: User, now: datetime) -> None:
    key = ApiKey.objects.select_for_update(of=("self",)).get(pk=key_id)
    if key.revoked_at is None:
        key.revoked_at = now
        key.save(update_fields=["revoked_at"])
        record("apikey.revoked", key, by=by)


def find(secret: str) -> ApiKey | None:
    return (
        ApiKey.objects.usable()
        .select_related("workspace", "user", "created_by")
        .filter(digest=digest_of(secret))
        .first()
    )
