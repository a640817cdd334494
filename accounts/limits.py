"""What a workspace may spend, and to which destinations: set by its admins, and asked for with each intent."""

import re
from collections.abc import Iterable

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import governing
from accounts.models import User, Workspace
from audit.refusal import Refused

HIGHEST = 10**12
MOST_DESTINATIONS = 250
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
    otherwise = _("Only an admin of the workspace sets its limits.")
    workspace = governing.lock(workspace_id, by=by, otherwise=otherwise)
    given = {"parts_per_day": parts_per_day, "parts_per_month": parts_per_month}
    for name, parts in given.items():
        if parts is not None and not 0 <= parts <= HIGHEST:
            raise Refused(_("A limit is a number of parts, 0 or more."), code="bad_limit", field=name)
    wanted = {**given, "destinations": _prefixes(destinations) or None}
    return governing.change(workspace, wanted, by=by, action="workspace.limited")


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
