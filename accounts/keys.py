"""API keys and personal tokens: made, found, revoked. The secret is shown once and stored as its digest.

There is no cache between a key and its row: what is revoked, or out of date, is so at the next call.
"""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts import entering
from accounts import scopes as scoping
from accounts.access import permissions_in
from accounts.models import ApiKey, User, Workspace
from accounts.roles import Permission
from audit import walls
from audit.ledger import record
from audit.refusal import Refused

LAST_USED_STEP = timedelta(minutes=1)  # "last used" is that coarse, and costs one write in it


def digest_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


@transaction.atomic
def create(
    workspace: Workspace,
    *,
    name: str,
    by: User,
    now: datetime,
    user: User | None = None,
    scopes: Iterable[str] | None = None,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """The new key and its secret. With `user` it is that person's token; without, the workspace's key.

    Without `scopes` it has all that its kind can have, and without `expires_at` it works until it is revoked.
    """
    # Whoever is being removed, or demoted, loses what they make here: that verb holds the same lock.
    workspace = Workspace.objects.select_for_update(no_key=True).get(pk=workspace.pk)
    _check_may_create(workspace, user, by=by)
    offered = scoping.offered(to_token=user is not None)
    wanted = set(offered if scopes is None else scopes)
    if not wanted or not wanted <= set(offered):
        raise Refused(_("Choose what it is for."), code="unknown_scope", field="scopes")
    if expires_at is not None and expires_at <= now:
        raise Refused(_("That is in the past already."), code="time_in_the_past", field="expires_at")
    if not name.strip():
        raise Refused(_("Give it a name by which you know it again."), code="name_missing", field="name")
    secret = f"mc_{secrets.token_urlsafe(32)}"
    key = ApiKey.objects.create(
        workspace=workspace,
        user=user,
        name=name.strip(),
        prefix=secret[:8],
        digest=digest_of(secret),
        scopes=scoping.in_order(wanted),
        expires_at=expires_at,
        created_by=by,
        created_at=now,
    )
    said = {"name": key.name, "user": user.pk if user else None, "scopes": key.scopes}
    record("apikey.created", key, by=by, after={**said, "expires_at": expires_at and expires_at.isoformat()})
    return key, secret


@transaction.atomic
def revoke(key_id: int, *, by: User, now: datetime) -> None:
    """By its owner or an admin of the workspace. Revoked once more, it changes nothing."""
    key = ApiKey.objects.select_related("workspace").get(pk=key_id)
    if key.user_id != by.pk and Permission.MANAGE not in permissions_in(key.workspace, by):
        raise Refused(_("Only its owner or an admin of the workspace revokes it."), code="not_an_admin")
    _revoke(key_id, by=by, now=now)


def revoke_unanswered(user: User, *, by: User | None, now: datetime) -> None:
    """The keys that this person may not have any more: tokens for a workspace that is closed to them, and keys of a
    workspace that is not theirs to manage. Call in the transaction that took it from them."""
    theirs = ApiKey.objects.filter(Q(user=user) | Q(user=None, created_by=user), revoked_at=None)
    for key in theirs.select_related("workspace").order_by("workspace_id", "pk"):  # as `hold` does
        granted = permissions_in(key.workspace, user) if user.is_active else frozenset()
        needed = Permission.MANAGE if key.user_id is None else Permission.VIEW
        if needed not in granted:
            _revoke(key.pk, by=by, now=now)


def find(secret: str, *, now: datetime) -> ApiKey | None:
    """If it is good; whoever asks stays where they are."""
    with walls.everything():
        caller = entering.enter(digest_of(secret), now=now)
    return caller.key if caller else None


def note_use(key: ApiKey, *, now: datetime) -> None:
    """To the minute: a thousand calls in it are one write, however many processes answer them."""
    before = now - LAST_USED_STEP
    if key.last_used_at is None or key.last_used_at < before:
        unused = Q(last_used_at=None) | Q(last_used_at__lt=before)
        ApiKey.objects.filter(unused, pk=key.pk).update(last_used_at=now)


def _check_may_create(workspace: Workspace, user: User | None, *, by: User) -> None:
    granted = permissions_in(workspace, by)
    if user is None and Permission.MANAGE not in granted:
        raise Refused(_("Only an admin of the workspace makes keys for it."), code="not_an_admin")
    if user is not None and (user.pk != by.pk or Permission.VIEW not in granted):
        raise Refused(_("A token is made by the member whose it is."), code="not_a_member")


def _revoke(key_id: int, *, by: User | None, now: datetime) -> None:
    key = ApiKey.objects.select_for_update(of=("self",), no_key=True).get(pk=key_id)
    if key.revoked_at is None:
        key.revoked_at = now
        key.save(update_fields=["revoked_at"])
        record("apikey.revoked", key, by=by, before={"name": key.name, "user": key.user_id})
