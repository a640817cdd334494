"""What goes on right now, as the bar of every page, its title and its icon show it."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Value

from accounts.models import User, Workspace
from campaigns.models import Campaign
from senders.models import Revision


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """`waiting`: for a decision of this person, in any workspace, as on their desk; `sending`: in this workspace."""

    waiting: int = 0
    sending: int = 0


def of(user: User, workspace: Workspace | None) -> Live:
    """One question, whatever is shown: it is asked with every page and every few seconds."""
    parts: list[Any] = []
    if user.is_staff:
        desks = Workspace.objects.decided_by(user).values("pk")
        parts.append(_counted(Campaign.objects.judged_in(desks), "campaigns"))
        parts.append(_counted(Revision.objects.pending().filter(sender__workspace__in=desks), "revisions"))
    if workspace:
        parts.append(_counted(Campaign.objects.of(workspace).sending(), "sending"))
    if not parts:
        return Live()
    counts = dict(parts[0].union(*parts[1:], all=True))
    waiting = counts.get("campaigns", 0) + counts.get("revisions", 0)
    return Live(waiting=waiting, sending=counts.get("sending", 0))


def _counted(rows: Any, kind: str) -> Any:
    return rows.order_by().values(kind=Value(kind)).annotate(n=Count("pk")).values_list("kind", "n")
