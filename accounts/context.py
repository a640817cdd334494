"""What every page shows of accounts: the workspaces to switch between, the languages and themes to choose from."""

from typing import Any

from django.http import HttpRequest

from accounts import preferences, signing_in
from accounts.models import Workspace


def workspaces(request: HttpRequest) -> dict[str, Any]:
    if not request.user.is_authenticated:
        return {}
    return {"workspaces": Workspace.objects.open_to(request.user).order_by("name", "pk")}


def appearance(request: HttpRequest) -> dict[str, Any]:
    return {
        "theme": preferences.theme_of(request),
        "themes": preferences.Theme.choices,
        "languages": preferences.LANGUAGES,
        "page_address": signing_in.came_from(request),
    }
