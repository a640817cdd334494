"""Who was last here in a browser, and in which workspace: what a session that has ended does not say any more."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from accounts.models import User

COOKIE = "last_visit"
A_DAY = timedelta(days=1)
AFTER = timedelta(days=7)  # the session's longest: a page that was left open over a weekend is still somebody's


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    user_id: int
    workspace_id: int | None

    def __str__(self) -> str:
        return f"{self.user_id}:{self.workspace_id or ''}"


def of(request: HttpRequest) -> Visit | None:
    """As the cookie says it, which we have signed. It opens nothing: whoever it names has to sign in."""
    return _read(request, _kept())


def note(request: Any, response: HttpResponse) -> None:
    """Of whoever is signed in; where somebody only looks, they do not work."""
    if not isinstance(request.user, User):
        return
    workspace = None if getattr(request, "only_looks", False) else getattr(request, "workspace", None)
    visit = Visit(user_id=request.user.pk, workspace_id=workspace.pk if workspace else None)
    if _read(request, A_DAY) != visit:
        response.set_signed_cookie(
            COOKIE,
            str(visit),
            max_age=_kept(),
            samesite="Lax",
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
        )


def _kept() -> timedelta:
    return AFTER + settings.SESSION_LONGEST


def _read(request: HttpRequest, kept: timedelta) -> Visit | None:
    said = request.get_signed_cookie(COOKIE, default="", max_age=kept)
    if not said:
        return None
    user, _, workspace = said.partition(":")
    return Visit(user_id=int(user), workspace_id=int(workspace) if workspace else None)
