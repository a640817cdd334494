"""Writing people and workspaces: by a super admin, and recorded."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import keys
from accounts.models import User, Workspace
from audit.ledger import record
from audit.refusal import Refused

SECRET = "password"
POWERS = frozenset({"is_active", "is_staff", "is_superuser"})


@transaction.atomic
def save(subject: User | Workspace, *, by: User, changed: Iterable[str], now: datetime) -> None:
    """Write a row that somebody has filled in; `changed` names the fields that are new."""
    fields = [name for name in changed if name != SECRET and hasattr(subject, name)]
    kind = subject._meta.model_name
    # NO KEY: what points at this row must not wait for us.
    stored = type(subject)._base_manager.select_for_update(no_key=True).filter(pk=subject.pk).first()
    if isinstance(stored, User):
        _check_powers(stored, fields, by=by)
    before = _shown(stored, fields) if stored else {}
    subject.save()
    record(f"{kind}.{'changed' if stored else 'created'}", subject, by=by, before=before, after=_shown(subject, fields))
    if isinstance(subject, User) and stored is not None:
        keys.revoke_unanswered(subject, by=by, now=now)


@transaction.atomic
def appoint(user_id: int) -> User:
    """By whoever has a shell on the machine: the first super admin comes from there, and so may the others."""
    return _empower(user_id, is_superuser=True, is_staff=True, is_active=True)


@transaction.atomic
def withdraw(user_id: int, *, switch_off: bool, now: datetime) -> User:
    """What no page does to a super admin. Keys that stood on it alone are revoked."""
    user = User.objects.select_for_update(no_key=True).get(pk=user_id)
    withdrawn = _empower(user_id, is_superuser=False, is_staff=user.is_staff, is_active=not switch_off)
    keys.revoke_unanswered(withdrawn, by=None, now=now)
    return withdrawn


def _empower(user_id: int, **powers: bool) -> User:
    user = User.objects.select_for_update(no_key=True).get(pk=user_id)
    before = _shown(user, powers)
    if before != powers:
        for name, value in powers.items():
            setattr(user, name, value)
        user.save(update_fields=list(powers))
        record("user.changed", user, by=None, before=before, after=powers)
    return user


def _check_powers(stored: User, fields: Iterable[str], *, by: User) -> None:
    """Nobody gives to themselves, or takes from themselves or another super admin, what a super admin may."""
    if stored.is_superuser and stored.pk != by.pk:
        raise Refused(_("Nobody changes another super admin."), code="super_admin")
    if stored.pk == by.pk and POWERS & set(fields):
        raise Refused(_("Nobody changes what they may do themselves."), code="own_membership")


def _shown(subject: Any, fields: Iterable[str]) -> dict[str, Any]:
    return {name: value if isinstance(value := getattr(subject, name), bool) else str(value) for name in fields}
