"""Whether the object storage can do what AUDIT_LOCK_DAYS asks of it: asked by `check --deploy`, by `/readyz`, and by
each worker that starts."""

import logging
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from objects.store import store
from objects.trouble import StorageTrouble

logger = logging.getLogger(__name__)

NO_LOCKS = "AUDIT_LOCK_DAYS is set, and the object storage has no object lock: no head of the ledger can be kept."


def unfit() -> str | None:
    """Why heads cannot be locked as the settings say, in a sentence. Raises StorageTrouble."""
    return NO_LOCKS if settings.AUDIT_LOCK and not store.has_locks() else None


@register(Tags.security, deploy=True)
def check_lock(app_configs: Any, **options: Any) -> list[CheckMessage]:
    try:
        trouble = unfit()
    except StorageTrouble as error:
        return [Warning(f"Whether the object storage has locks could not be asked: {error}", id="audit.W001")]
    hint = "Make a bucket with object lock, which is switched on when it is made, or set AUDIT_LOCK_DAYS to 0."
    return [Error(trouble, hint=hint, id="audit.E001")] if trouble else []


def say_at_start(**about: Any) -> None:
    """To the log, of a process that goes on all the same: sending does not hang on it."""
    try:
        trouble = unfit()
    except StorageTrouble:
        return  # the next head that is kept says so
    if trouble:
        logger.error("ledger.unlockable", extra={"trouble": trouble})
