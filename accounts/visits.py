"""Signing in and out of the pages, each an entry of the ledger."""

from django.contrib.auth import login, logout
from django.db import transaction
from django.http import HttpRequest

from accounts.models import User
from audit.ledger import record


@transaction.atomic
def begin(request: HttpRequest, user: User, *, way: str) -> None:
    """With a session of its own key: one that somebody planted before is worth nothing."""
    login(request, user)
    request.session.begin(device=request.headers.get("User-Agent", ""))  # type: ignore[attr-defined]
    record("user.signed_in", user, by=user, after={"way": way})


@transaction.atomic
def end(request: HttpRequest) -> None:
    if isinstance(request.user, User):
        record("user.signed_out", request.user, by=request.user)
    logout(request)
