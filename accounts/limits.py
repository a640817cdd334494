"""What a workspace may spend, and to which destinations: set by its admins, and asked for with each intent."""

import re
from collections.abc import Iterable

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.access import permissions_in
from accounts.models import User, Workspace
from accounts.roles import Permission
from audit.ledger import record
from audit.refusal import Refused

HIGHEST = 10**12
MOST_DESTINATIONS = 250
FIELDS = ("parts_per_day", "parts_per_month", "destinations")
_PREFIX = re.compile(r"[1-9][0-9]{0,14}")


@transaction.atomic
def limit(
    workspace_id: int,
    *,
    parts_per_day: int | None,
    parts_per_month: int | None,
    destinations: Iterable[str],
    by: User,
) -> Workspace:
    """From the next intent on. None is no limit, and no destination is every destination."""
    workspace = Workspace.objects.select_for_update(of=("self",), no_key=True).get(pk=workspace_id)
    if Permission.MANAGE not in permissions_in(workspace, by):
        raise Refused(_("Only an admin of the workspace sets its limits."), code="not_an_admin")
    given = {"parts_per_day": parts_per_day, "parts_per_month": parts_per_month}
    for name, parts in given.items():
        if parts is not None and not 0 <= parts <= HIGHEST:
            raise Refused(_("A limit is a number of parts, 0 or more."), code="bad_limit", field=name)
    wanted = {**given, "destinations": _prefixes(destinations) or None}
    before = {name: getattr(workspace, name) for name in FIELDS}
    if wanted == before:
        return workspace
    for name, value in wanted.items():
        setattr(workspace, name, value)
    workspace.save(update_fields=FIELDS)
    record("workspace.limited", workspace, by=by, before=before, after=wanted)
    return workspace


def _prefixes(destinations: Iterable[str]) -> list[str]:
    found = sorted({text.strip().removeprefix("+").removeprefix("00") for text in destinations if text.strip()})
    for text in found:
        if not _PREFIX.fullmatch(text):
            raise Refused(
                _("“%(value)s” is not the beginning of a number such as 31 or 998.") % {"value": text[:40]},
                code="bad_destination",
                field="destinations",
            )
    if len(found) > MOST_DESTINATIONS:
        raise Refused(
            _("At most %(most)s destinations.") % {"most": MOST_DESTINATIONS}, code="too_many", field="destinations"
        )
    return found
