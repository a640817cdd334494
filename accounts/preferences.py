"""How somebody wants their pages: language and theme, of a person or of a browser in which nobody signed in."""

from typing import Any

from django.conf import settings
from django.db.models import TextChoices
from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language_from_request
from django.utils.translation import gettext_lazy as _

THEME_COOKIE = "theme"
A_YEAR = 365 * 24 * 3600
LANGUAGES: list[tuple[str, Any]] = [(code, name) for code, name in settings.LANGUAGES]  # each in its own words


class Theme(TextChoices):
    SYSTEM = "system", _("As the system")
    LIGHT = "light", _("Light")
    DARK = "dark", _("Dark")


def language_of(request: HttpRequest) -> str:
    """Of the person; of the cookie; what the browser asks for."""
    chosen = getattr(request.user, "language", "")
    return chosen if chosen in dict(LANGUAGES) else get_language_from_request(request)


def theme_of(request: HttpRequest) -> str:
    chosen = getattr(request.user, "theme", "") or request.COOKIES.get(THEME_COOKIE, "")
    return chosen if chosen in Theme.values else Theme.SYSTEM


def keep(response: HttpResponse, *, language: str, theme: str) -> None:
    """In the browser: its sign-in page goes on looking as its last reader wanted."""
    for name, value in ((settings.LANGUAGE_COOKIE_NAME, language), (THEME_COOKIE, theme)):
        if value:
            response.set_cookie(
                name, value, max_age=A_YEAR, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE, httponly=True
            )
