"""Doorbells of the ledger."""

from celery import shared_task


@shared_task
def keep_heads() -> None:
    from audit import heads

    heads.keep()


@shared_task
def keep_heads_of_decisions(actions: list[str]) -> None:
    from audit import heads

    heads.keep_decided(actions)
