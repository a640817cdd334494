"""What an approval needs in a workspace: set by its admins, each change in the ledger with what was before."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import governing
from accounts.models import User, Workspace
from audit.refusal import Refused

RULES = ("four_eyes", "second_approver_above", "approval_days", "tokens_may_decide")
MOST_DAYS = 365
HIGHEST = 10**12


@transaction.atomic
def rule(workspace_id: int, *, by: User, **wanted: Any) -> Workspace:
    """`wanted` are some of RULES; None is never. From the next decision on; how long an approval stands also for those
    that are there."""
    otherwise = _("Only an admin of the workspace says what an approval needs.")
    workspace = governing.lock(workspace_id, by=by, otherwise=otherwise)
    _check(**wanted)
    return governing.change(workspace, wanted, by=by, action="workspace.ruled")


def _check(*, second_approver_above: int | None = None, approval_days: int | None = None, **others: bool) -> None:
    if approval_days is not None and not 1 <= approval_days <= MOST_DAYS:
        raise Refused(
            _("An approval stands from 1 to %(most)s days.") % {"most": MOST_DAYS},
            code="bad_days",
            field="approval_days",
        )
    if second_approver_above is not None and not 0 <= second_approver_above <= HIGHEST:
        raise Refused(_("Write a number of recipients, 0 or more."), code="bad_size", field="second_approver_above")
