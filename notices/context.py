"""What every page shows of notices: what goes on right now. It is asked for when a template shows it."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from notices import live


def going_on(request: HttpRequest) -> dict[str, Any]:
    if not request.user.is_authenticated:
        return {}
    user, workspace = request.user, getattr(request, "workspace", None)
    return {"live": SimpleLazyObject(lambda: live.of(user, workspace))}
