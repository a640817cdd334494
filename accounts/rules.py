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
HIGHEST = 10**12


@transaction.atomic
def rule(workspace_id: int, *, by: User, **wanted: Any) -> Workspace:
    """`wanted` are some of RULES; None is never. From the next decision on; how long an approval stands also for those
    that are there."""
    workspace = Workspace.objects.select_for_update(of=("self",), no_key=True).get(pk=workspace_id)
    if Permission.MANAGE not in permissions_in(workspace, by):
        raise Refused(_("Only an admin of the workspace says what an approval needs."), code="not_an_admin")
    _check(**wanted)
    before = {name: getattr(workspace, name) for name in RULES if name in wanted}
    changed = [name for name in before if before[name] != wanted[name]]
    if not changed:
        return workspace
    for name in changed:
        setattr(workspace, name, wanted[name])
    workspace.save(update_fields=changed)
    record(
        "workspace.ruled",
        workspace,
        by=by,
        before={name: before[name] for name in changed},
        after={name: wanted[name] for name in changed},
    )
    return workspace


def _check(*, second_approver_above: int | None = None, approval_days: int | None = None, **others: bool) -> None:
    if approval_days is not None and not 1 <= approval_days <= MOST_DAYS:
        raise Refused(
            _("An approval stands from 1 to %(most)s days.") % {"most": MOST_DAYS},
            code="bad_days",
            field="approval_days",
        )
    if second_approver_above is not None and not 0 <= second_approver_above <= HIGHEST:
        raise Refused(_("Write a number of recipients, 0 or more."), code="bad_size", field="second_approver_above")
