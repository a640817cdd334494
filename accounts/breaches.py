"""Passwords that others have lost: asked of a service that knows them by the first five digits of a hash only.

It is the range API of Have I Been Pwned (https://haveibeenpwned.com/API/v3#PwnedPasswords), or a copy of one's own.
It answers with every hash that begins so, some of them made up, and never learns which one was meant.
"""

import hashlib
import logging
from urllib.error import URLError
from urllib.request import Request, urlopen

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

logger = logging.getLogger(__name__)

PATIENCE = 2.0  # seconds
MOST = 1_000_000  # bytes; an answer has some 40,000


class BreachedPasswordValidator:
    """Off without BREACHED_PASSWORDS_URL. When the service does not answer the password is taken, and the log says it:
    a service of others keeps nobody from changing a password."""

    def validate(self, password: str, user: object = None) -> None:
        if settings.BREACHED_PASSWORDS_URL and is_known(password, settings.BREACHED_PASSWORDS_URL):
            raise ValidationError(
                _("This password was lost by another site and is known to attackers. Choose another one."),
                code="password_breached",
            )

    def get_help_text(self) -> str:
        return _("Your password can’t be one that another site has lost.") if settings.BREACHED_PASSWORDS_URL else ""


def is_known(password: str, url: str) -> bool:
    digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
    headers = {"Add-Padding": "true", "User-Agent": "MessageCenter"}
    request = Request(f"{url.rstrip('/')}/{digest[:5]}", headers=headers)  # noqa: S310  # config.env: http or https
    try:
        with urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
            lines: list[str] = answer.read(MOST).decode("ascii", "replace").splitlines()
    except (URLError, OSError, ValueError) as error:
        logger.warning("password.breaches_unknown", extra={"error": type(error).__name__})
        return False
    counts = {rest.strip().upper(): count.strip() for rest, _colon, count in (line.partition(":") for line in lines)}
    return counts.get(digest[5:], "0") != "0"  # padding has a count of 0
