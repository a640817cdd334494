"""Doorbells of list preparation, and of imports of suppressed numbers."""

from celery import shared_task
from django.utils import timezone


@shared_task
def prepare(list_id: int) -> None:
    from recipients import preparation

    preparation.prepare_list(list_id, now=timezone.now())


@shared_task
def import_suppressions(import_id: int) -> None:
    from recipients import suppression_imports

    suppression_imports.run(import_id, now=timezone.now())


@shared_task
def sweep() -> None:
    from recipients import preparation

    preparation.ring_left_alone(now=timezone.now())


@shared_task
def sweep_suppressions() -> None:
    from recipients import suppression_imports

    suppression_imports.ring_left_alone(now=timezone.now())


@shared_task
def erase(list_id: int) -> None:
    from recipients import erasing

    erasing.erase(list_id, now=timezone.now())


@shared_task
def sweep_leftovers() -> None:
    from recipients import erasing

    erasing.ring_for_leftovers(now=timezone.now())


@shared_task
def sweep_objects() -> None:
    from recipients import leftovers

    leftovers.sweep(now=timezone.now())


@shared_task
def sweep_uploads() -> None:
    from recipients import resumable

    resumable.sweep(now=timezone.now())
