"""For how many days a workspace keeps what it has of people: set by its admins, each change in the ledger."""

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.access import permissions_in
from accounts.models import LONGEST_KEPT, User, Workspace
from accounts.roles import Permission
from audit.ledger import record
from audit.refusal import Refused

DAYS = ("messages_kept_days", "lists_kept_days", "exports_kept_days", "inbound_kept_days")


@transaction.atomic
def keep(workspace_id: int, *, by: User, **days: int | None) -> Workspace:
    """`days` are those of DAYS; None is as long as the installation keeps it. What is over goes with the next run."""
    workspace = Workspace.objects.select_for_update(of=("self",), no_key=True).get(pk=workspace_id)
    if Permission.MANAGE not in permissions_in(workspace, by):
        raise Refused(_("Only an admin of the workspace says how long it keeps what."), code="not_an_admin")
    for name, value in days.items():
        if value is not None and not 1 <= value <= LONGEST_KEPT:
            told = {"most": LONGEST_KEPT}
            raise Refused(_("Write 1 to %(most)s days, or nothing.") % told, code="bad_days", field=name)
    before = {name: getattr(workspace, name) for name in days}
    changed = [name for name in days if before[name] != days[name]]
    if changed:
        for name in changed:
            setattr(workspace, name, days[name])
        workspace.save(update_fields=changed)
        record(
            "workspace.kept",
            workspace,
            by=by,
            before={name: before[name] for name in changed},
            after={name: days[name] for name in changed},
        )
    return workspace
