"""What a workspace's admins set for it: one change at a time, and the ledger has what was before."""

from collections.abc import Mapping
from typing import Any

from accounts.access import permissions_in
from accounts.models import User, Workspace
from accounts.roles import Permission
from audit.ledger import record
from audit.refusal import Refused


def lock(workspace_id: int, *, by: User, otherwise: str) -> Workspace:
    """For a change by an admin; `otherwise` is what everybody else is told."""
    workspace = Workspace.objects.select_for_update(no_key=True).get(pk=workspace_id)
    if Permission.MANAGE not in permissions_in(workspace, by):
        raise Refused(otherwise, code="not_an_admin")
    return workspace


def change(workspace: Workspace, wanted: Mapping[str, Any], *, by: User, action: str) -> Workspace:
    """What differs is saved, and recorded as this action; nothing is when nothing does."""
    before = {name: getattr(workspace, name) for name in wanted if getattr(workspace, name) != wanted[name]}
    if before:
        after = {name: wanted[name] for name in before}
        for name, value in after.items():
            setattr(workspace, name, value)
        workspace.save(update_fields=before)
        record(action, workspace, by=by, before=before, after=after)
    return workspace
