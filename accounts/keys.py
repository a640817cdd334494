"""API keys and personal tokens: made, found, revoked. The secret is shown once and stored as its digest."""

import hashlib
import secrets
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from accounts.access import permissions_in
from accounts.models import ApiKey, User, Workspace
from accounts.roles import Permission
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


def revoke_unanswered(user: User, *, by: User, now: datetime) -> None:
    """The keys that this person may not have any more: tokens for a workspace that is closed to them, and keys of a
    workspace that is not theirs to manage. Call in the transaction that took it from them."""
    theirs = ApiKey.objects.filter(Q(user=user) | Q(user=None, created_by=user), revoked_at=None)
    for key in theirs.select_related("workspace").order_by("pk"):
        granted = permissions_in(key.workspace, user) if user.is_active else frozenset()
        needed = Permission.MANAGE if key.user_id is None else Permission.VIEW
        if needed not in granted:
            revoke(key.pk, by=by, now=now)


def find(secret: str) -> ApiKey | None:
    return (
        ApiKey.objects.usable()
        .select_related("workspace", "user", "created_by")
        .filter(digest=digest_of(secret))
        .first()
    )
