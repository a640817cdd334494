"""Signing in and out of the pages, each an entry of the ledger; and where a session is between the two steps."""

from datetime import timedelta
from enum import StrEnum

from django.conf import settings
from django.contrib.auth import login, logout
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts import last_visit, second_steps, single_sign_on
from accounts.models import User
from accounts.sessions import BEGAN
from audit.ledger import record

# In the session:
STEP = "second_step"
WORKSPACE = "workspace"
HALFWAY = timedelta(minutes=5)  # between the password and the second step


class Step(StrEnum):
    NONE = "none"  # there is no second one
    OWED = "owed"
    TAKEN = "taken"


@transaction.atomic
def begin(request: HttpRequest, user: User, *, way: str) -> None:
    """With a session of its own key: one that somebody planted before is worth nothing. Where a second step is owed it
    opens nothing else (`accounts.middleware.SecondStepMiddleware`), by whatever way somebody came in. They are in the
    workspace that they were in."""
    login(request, user)
    request.session.begin(device=request.headers.get("User-Agent", ""))  # type: ignore[attr-defined]
    if way == single_sign_on.WAY and settings.OIDC_IS_SECOND_STEP:
        request.session[STEP] = Step.TAKEN  # there
    else:
        request.session[STEP] = Step.OWED if second_steps.is_on(user) else Step.NONE
    before = last_visit.of(request)
    if before and before.user_id == user.pk and before.workspace_id:
        request.session[WORKSPACE] = before.workspace_id
    record("user.signed_in", user, by=user, after={"way": way})


def step_of(request: HttpRequest) -> Step:
    """Of somebody's session; one that knows nothing of steps yet is asked once."""
    known = request.session.get(STEP)
    if known is None:
        assert isinstance(request.user, User)
        known = request.session[STEP] = Step.OWED if second_steps.is_on(request.user) else Step.NONE
    return Step(known)


def is_too_old(request: HttpRequest) -> bool:
    """Whoever is halfway for so long begins anew."""
    return bool(timezone.now().timestamp() - request.session.get(BEGAN, 0) > HALFWAY.total_seconds())


def go_on(request: HttpRequest) -> None:
    """The second step is taken, or set up: under another key, as the one before may have been seen."""
    request.session.cycle_key()
    request.session[STEP] = Step.TAKEN


def go_back(request: HttpRequest) -> None:
    """A way is removed: where none is left, this session knows of none, and a role that needs one holds it again."""
    assert isinstance(request.user, User)
    if not second_steps.is_on(request.user):
        request.session[STEP] = Step.NONE


@transaction.atomic
def end(request: HttpRequest) -> None:
    if isinstance(request.user, User):
        record("user.signed_out", request.user, by=request.user)
    logout(request)
