"""A page that somebody, or the clock, has overtaken: nothing is done by it, and it says so."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from audit.refusal import Refused

# Refused because somebody acted since the page was loaded: it offered what is not possible any more.
CODES = {"wrong_status", "changed_meanwhile"}


def said(message: str, *, code: str) -> str:
    """What was refused, to whoever reads it on the page."""
    return _("%(reason)s Somebody was faster than this page.") % {"reason": message} if code in CODES else message


def mark(shown: Mapping[str, Any]) -> str:
    """Of what a form shows as being in force; the page brings it back."""
    plain = json.dumps(shown, sort_keys=True, default=str)
    return hashlib.sha256(plain.encode()).hexdigest()[:16]


def check(given: Mapping[str, Any], shown: Mapping[str, Any]) -> None:
    """Raises Refused when something else is in force than on the page that was sent. It may be sent again: the page has
    the new mark by then. People are kept from overwriting each other; the verb has the lock."""
    if given.get("mark", mark(shown)) != mark(shown):
        again = _("It was changed since you opened it: save it again to replace that, or load the page anew to see it.")
        raise Refused(again, code="changed_meanwhile")
