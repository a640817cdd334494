"""How long something has waited, and how long it still may: in words, as the queue shows it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.templatetags.pages import stretch

CLOSE = timedelta(hours=3)


@dataclass(frozen=True, slots=True)
class Wait:
    words: str
    is_late: bool


def since(at: datetime | None, now: datetime) -> Wait:
    """Beyond the target of the installation it is late, and says so."""
    waited = now - at if at else timedelta()
    words = stretch(max(0, int(waited.total_seconds())))
    is_late = waited > settings.REVIEW_TARGET
    return Wait(_("%(time)s, beyond the target") % {"time": words} if is_late else words, is_late)


def until(at: datetime | None, now: datetime) -> Wait | None:
    """A countdown, when it is close or over."""
    if at is None or at - now > CLOSE:
        return None
    if at <= now:
        return Wait(_("passed %(time)s ago") % {"time": stretch(int((now - at).total_seconds()))}, True)
    return Wait(_("in %(time)s") % {"time": stretch(int((at - now).total_seconds()))}, at - now < timedelta(minutes=30))
