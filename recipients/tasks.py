"""Doorbells of list preparation."""

from celery import shared_task
from django.utils import timezone


@shared_task
def prepare(list_id: int) -> None:
    from recipients import preparation

    preparation.prepare_list(list_id, now=timezone.now())


@shared_task
def sweep() -> None:
    from recipients import preparation

    preparation.ring_left_alone(now=timezone.now())


@shared_task
def sweep_uploads() -> None:
    from recipients import resumable

    resumable.sweep(now=timezone.now())
