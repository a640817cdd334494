"""Writing people, workspaces and memberships: by a super admin, and recorded."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction

from accounts.models import Membership, User, Workspace
from audit.ledger import record

SECRET = "password"


@transaction.atomic
def save(subject: User | Workspace | Membership, *, by: User, changed: Iterable[str]) -> None:
    """Write a row that somebody has filled in; `changed` names the fields that are new."""
    fields = [name for name in changed if name != SECRET and hasattr(subject, name)]
    kind = subject._meta.model_name
    stored = type(subject)._base_manager.filter(pk=subject.pk).first()
    before = _shown(stored, fields) if stored else {}
    subject.save()
    record(f"{kind}.{'changed' if stored else 'created'}", subject, by=by, before=before, after=_shown(subject, fields))


@transaction.atomic
def remove(membership: Membership, *, by: User) -> None:
    record("membership.removed", membership, by=by, before=_shown(membership, ["user", "role", "is_moderator"]))
    membership.delete()


def _shown(subject: Any, fields: Iterable[str]) -> dict[str, Any]:
    return {name: value if isinstance(value := getattr(subject, name), bool) else str(value) for name in fields}
