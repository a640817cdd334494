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


@shared_task
def verify_chains() -> None:
    """Each by a task of its own: a long one, or one whose kept heads cannot be read, is in nobody's way."""
    from audit import verification

    for chain in verification.chains():
        verify_chain.delay(chain)


@shared_task
def verify_chain(chain: int) -> None:
    from audit import nightly

    nightly.verify(chain, now=timezone.now())
