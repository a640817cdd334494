"""What an approval needs in a workspace: set by its admins, each change in the ledger with what was before."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.access import permissions_in
from accounts.models import User, Workspace
from accounts.roles import Permission
from audit.ledger import record
from audit.refusal import Refused

RULES = ("four_eyes", "second_approver_above", "approval_days", "tokens_may_decide")
MOST_DAYS = 365


@transaction.atomic
def rule(
    workspace_id: int,
    *,
    four_eyes: bool,
    second_approver_above: int | None,
    approval_days: int | None,
    tokens_may_decide: bool,
    by: User,
) -> Workspace:
    """From the next decision on; how long an approval stands also for those that are there. None is never."""
    workspace = Workspace.objects.select_for_update(of=("self",), no_key=True).get(pk=workspace_id)
    if Permission.MANAGE not in permissions_in(workspace, by):
        raise Refused(_("Only an admin of the workspace says what an approval needs."), code="not_an_admin")
    if approval_days is not None and not 1 <= approval_days <= MOST_DAYS:
        raise Refused(
            _("An approval stands from 1 to %(most)s days.") % {"most": MOST_DAYS},
            code="bad_days",
            field="approval_days",
        )
    if second_approver_above is not None and second_approver_above < 0:
        raise Refused(_("Write a number of recipients, 0 or more."), code="bad_size", field="second_approver_above")
    wanted: dict[str, Any] = {
        "four_eyes": four_eyes,
        "second_approver_above": second_approver_above,
        "approval_days": approval_days,
        "tokens_may_decide": tokens_may_decide,
    }
    before = {name: getattr(workspace, name) for name in RULES}
    if wanted == before:
        return workspace
    for name, value in wanted.items():
        setattr(workspace, name, value)
    workspace.save(update_fields=RULES)
    changed = [name for name in RULES if before[name] != wanted[name]]
    record(
        "workspace.ruled",
        workspace,
        by=by,
        before={name: before[name] for name in changed},
        after={name: wanted[name] for name in changed},
    )
    return workspace
