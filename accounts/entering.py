"""Who comes with a key, and into which workspace: all that each call of the API asks before it begins."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import connection, models

from accounts import second_steps
from accounts.access import permissions_by
from accounts.models import ApiKey, Membership, User, Workspace
from accounts.roles import Permission
from audit import walls


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    key: ApiKey
    user: User  # who answers for the call: the token's owner, or whoever made the workspace's key
    membership: Membership | None  # of a token's owner
    lacks_second_step: bool  # a token's owner must have one, and has none

    @property
    def permissions(self) -> frozenset[Permission]:
        return permissions_by(self.key, self.membership)

    @property
    def role(self) -> str:
        """For the ledger."""
        if self.key.user_id is None:
            return "key"
        return self.membership.role if self.membership else ""


def enter(digest: str, *, now: datetime) -> Caller | None:
    """Whose key this is, if it is good; then this thread sees the rows of its workspace, until the end of the block.

    One round trip, and no cache: what is revoked, or has another role, is so at the next call (docs/adr/0094).
    """
    with connection.cursor() as cursor:
        cursor.execute(_ENTER, [digest, now])
        row = cursor.fetchone()
    if row is None:
        return None
    caller = _caller(row)
    walls.entered([caller.key.workspace_id])
    return caller


_PARTS: dict[str, type[models.Model]] = {
    "key": ApiKey,
    "workspace": Workspace,
    "person": User,
    "membership": Membership,
}
_COLUMNS = [f'(f.{part})."{field.column}"' for part, model in _PARTS.items() for field in model._meta.concrete_fields]
# `enter_by_key` is of the migration 0019.
_ENTER = f"SELECT {', '.join(_COLUMNS)}, f.roles, f.has_second_step FROM enter_by_key(%s, %s) f"


def _caller(row: Sequence[Any]) -> Caller:
    cells = iter(row)
    key, workspace, user, membership = (_read(model, cells) for model in _PARTS.values())
    roles, has_second_step = cells
    key.workspace = workspace
    is_token = key.user_id is not None
    if is_token:
        key.user = user
    if key.created_by_id == user.pk:
        key.created_by = user
    needs_one = is_token and second_steps.is_required_of(roles, is_superuser=user.is_superuser)
    return Caller(key=key, user=user, membership=membership, lacks_second_step=needs_one and not has_second_step)


def _read(model: type[models.Model], cells: Iterator[Any]) -> Any:
    """Of the next cells; None where there is no row."""
    names = [field.attname for field in model._meta.concrete_fields]
    values = list(islice(cells, len(names)))
    return None if values[0] is None else model.from_db("default", names, values)
