"""Doorbells of the ledger."""

from celery import shared_task


@shared_task
def keep_heads() -> None:
    from audit import heads

    heads.keep()
