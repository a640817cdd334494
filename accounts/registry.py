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


def _check_powers(stored: User, fields: Iterable[str], *, by: User) -> None:
    """Nobody gives to themselves, or takes from themselves or another super admin, what a super admin may."""
    if stored.is_superuser and stored.pk != by.pk:
        raise Refused(_("Nobody changes another super admin."), code="super_admin")
    if stored.pk == by.pk and POWERS & set(fields):
        raise Refused(_("Nobody changes what they may do themselves."), code="own_membership")


def _shown(subject: Any, fields: Iterable[str]) -> dict[str, Any]:
    return {name: value if isinstance(value := getattr(subject, name), bool) else str(value) for name in fields}
