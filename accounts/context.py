"""What every page shows of accounts: the workspaces to switch between."""

from typing import Any

from django.http import HttpRequest

from accounts.models import Workspace


def workspaces(request: HttpRequest) -> dict[str, Any]:
    if not request.user.is_authenticated:
        return {}
    return {"workspaces": Workspace.objects.open_to(request.user).order_by("name", "pk")}
