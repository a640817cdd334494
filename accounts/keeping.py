"""For how many days a workspace keeps what it has of people: set by its admins, each change in the ledger."""

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import governing
from accounts.models import LONGEST_KEPT, User, Workspace
from audit.refusal import Refused

DAYS = ("messages_kept_days", "lists_kept_days", "exports_kept_days", "inbound_kept_days")


@transaction.atomic
def keep(workspace_id: int, *, by: User, **days: int | None) -> Workspace:
    """`days` are those of DAYS; None is as long as the installation keeps it. What is over goes with the next run."""
    otherwise = _("Only an admin of the workspace says how long it keeps what.")
    workspace = governing.lock(workspace_id, by=by, otherwise=otherwise)
    for name, value in days.items():
        if value is not None and not 1 <= value <= LONGEST_KEPT:
            told = {"most": LONGEST_KEPT}
            raise Refused(_("Write 1 to %(most)s days, or nothing.") % told, code="bad_days", field=name)
    return governing.change(workspace, days, by=by, action="workspace.kept")
