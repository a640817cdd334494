"""Doorbells of the ledger."""

from celery import shared_task
from django.utils import timezone


@shared_task
def keep_heads() -> None:
    from audit import heads

    heads.keep()


@shared_task
def keep_heads_of_decisions(actions: list[str]) -> None:
    from audit import heads

    heads.keep_decided(actions)


@shared_task
def close_denials() -> None:
    from audit import denials

    denials.close(now=timezone.now())
