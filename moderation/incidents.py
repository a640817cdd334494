"""Incidents as the staff sees them: of their workspaces' campaigns, and of the carriers, which are everybody's."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import User, Workspace
from audit.ledger import hold, record
from delivery.models import Incident
from moderation.models import Acknowledgement


def seen_by(user: User) -> "QuerySet[Any]":
    """Annotated: `is_acknowledged`."""
    rows: QuerySet[Any] = Incident.objects.annotate(
        is_acknowledged=Exists(Acknowledgement.objects.filter(incident=OuterRef("pk")))
    )
    if user.is_superuser:
        return rows
    workspaces = Workspace.objects.decided_by(user).values("pk")
    return rows.filter(Q(campaign=None) | Q(campaign__workspace__in=workspaces))


@transaction.atomic
def acknowledge(incident_ids: Iterable[int], *, by: User, now: datetime) -> int:
    """Those of them that nobody has acknowledged before, and that they may see: how many."""
    rows = seen_by(by).filter(pk__in=list(incident_ids), is_acknowledged=False).order_by("pk")
    found = list(rows.select_related("campaign"))
    hold(*(incident.campaign.workspace_id if incident.campaign else 0 for incident in found))
    for incident in found:
        _, is_new = Acknowledgement.objects.get_or_create(incident=incident, defaults={"by": by, "at": now})
        if is_new:
            subject = incident.campaign or incident
            record("incident.acknowledged", subject, by=by, after={"incident": incident.pk, "kind": incident.kind})
    return len(found)
