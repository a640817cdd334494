"""Trouble with the stores, said to whoever asked; what exactly went wrong is for the log."""

import logging
from dataclasses import dataclass

from django.db import InterfaceError, OperationalError

from objects.trouble import ObjectMissing, StorageTrouble
from recipients.chunks import ChunkDamaged

logger = logging.getLogger(__name__)

PATIENCE = 5  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    status: int
    code: str
    message: str
    retry_after: int | None = None  # seconds


def said(error: Exception) -> Said | None:
    """None for what is not such a trouble."""
    match error:
        case ObjectMissing():
            message = "A file that belongs here is missing from the object storage; the operators have been told."
            answer = Said(status=500, code="object_missing", message=message)
        case StorageTrouble():
            message = "The object storage cannot be used at the moment. Try again in a while."
            answer = Said(status=503, code="storage_unavailable", message=message, retry_after=PATIENCE)
        case ChunkDamaged():
            answer = Said(status=500, code="list_damaged", message=f"{error} The operators have been told.")
        case _:
            return None
    logger.error("store.trouble", exc_info=error)
    return answer


def of_database(error: Exception) -> Said | None:
    """It is gone, full, or somebody else holds what is asked for. Whether something was done before that, the
    Idempotency-Key or the message's own key finds out: with one a program may ask again."""
    if not isinstance(error, OperationalError | InterfaceError):
        return None
    logger.error("database.trouble", exc_info=error)
    message = "The database cannot be used at the moment. Try again in a while."
    return Said(status=503, code="database_unavailable", message=message, retry_after=PATIENCE)
