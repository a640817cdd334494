"""Numbers are masked until somebody whose role may see them says why, or a key has the scope; the ledger has each."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import models, transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.request import Request

from accounts.access import permissions_in
from accounts.callers import permissions_of, user_of, workspace_of
from accounts.models import User, Workspace
from accounts.requests import PageRequest
from accounts.roles import Permission
from audit import circumstances
from audit.ledger import record
from audit.models import Entry
from audit.refusal import Refused
from recipients import suppressions

LASTS = timedelta(minutes=30)


@transaction.atomic
def show(workspace: Workspace, subject: models.Model, *, of: str, by: User, reason: str, now: datetime) -> datetime:
    """Until when they are shown; the ledger says to whom, and why."""
    if not may_see(workspace, by):
        raise Refused(_("Your role does not need the numbers."), code="numbers_not_needed")
    why = suppressions.checked_reason(reason)
    if sum(letter.isdecimal() for letter in why) >= suppressions.TELLING:
        raise Refused(_("Leave the number out of the reason: the ledger keeps it for ever."), code="number_in_reason")
    until = now + LASTS
    record(f"{subject._meta.model_name}.numbers_shown", subject, by=by, note=why, after={"of": of, "until": until})
    return until


def open_window(
    request: PageRequest, subject: models.Model, *, of: str, reason: str, workspace: Workspace | None = None
) -> None:
    """To this person, in this session, for a while; in the workspace that they are in, or on the desk in another."""
    until = show(workspace or request.workspace, subject, of=of, by=request.user, reason=reason, now=timezone.now())
    request.session[_window(subject, of)] = until.isoformat()


def shown_until(request: HttpRequest, subject: models.Model, *, of: str) -> datetime | None:
    """None where numbers are masked. A role that was lost does not see them any longer."""
    text = request.session.get(_window(subject, of))
    may = Permission.SEE_NUMBERS in request.permissions  # type: ignore[attr-defined]
    until = datetime.fromisoformat(text) if text and may else None
    return until if until and until > timezone.now() else None


def open_windows(request: HttpRequest, workspaces: Iterable[Workspace], *, of: str) -> dict[int, datetime]:
    """On the desk, which shows rows of several: until when, by the workspaces whose numbers are shown."""
    if request.only_looks:  # type: ignore[attr-defined]
        return {}
    asked = {one: request.session[_window(one, of)] for one in workspaces if _window(one, of) in request.session}
    until = {one: datetime.fromisoformat(text) for one, text in asked.items()}
    return {one.pk: at for one, at in until.items() if at > timezone.now() and may_see(one, request.user)}


def may_see(workspace: Workspace, user: Any) -> bool:
    return Permission.SEE_NUMBERS in permissions_in(workspace, user)


def _window(subject: models.Model, of: str) -> str:
    return f"numbers-of-{of}-{subject.pk}"


def for_call(request: Request, subject: models.Model, *, of: str) -> bool:
    """Whether this call of the API gets whole numbers. If so the ledger says it, of each key once in half an hour."""
    if Permission.SEE_NUMBERS not in permissions_of(request):
        return False
    now, action = timezone.now(), f"{subject._meta.model_name}.numbers_read"
    told = Entry.objects.filter(
        chain=workspace_of(request).pk,
        action=action,
        subject_id=str(subject.pk),
        via=circumstances.current().via,
        at__gt=now - LASTS,
        after__of=of,
    )
    if not told.exists():
        with transaction.atomic():
            record(action, subject, by=user_of(request), after={"of": of, "until": now + LASTS})
    return True
