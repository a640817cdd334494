"""Doorbells: an id in, one call out."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone


@shared_task
def dispatch(chunk_id: int) -> None:
    from delivery import dispatching

    dispatching.work_on(chunk_id, clock=timezone.now)


@shared_task
def tick() -> None:
    from delivery import due

    due.tick(now=timezone.now())


@shared_task
def start_on_time() -> None:
    from delivery import due

    due.start_on_time(clock=timezone.now)


@shared_task
def match_receipts() -> None:
    from delivery import matching

    matching.match_pending(now=timezone.now())


@shared_task
def close_unreceipted() -> None:
    from delivery import housekeeping

    housekeeping.close_unreceipted(now=timezone.now())


@shared_task
def fold_tallies() -> None:
    from delivery import housekeeping

    housekeeping.fold_tallies()


@shared_task
def prepare_partitions() -> None:
    from delivery import housekeeping

    housekeeping.prepare_partitions(today=(timezone.now() - timedelta(days=1)).date())


@shared_task
def drop_old_partitions() -> None:
    from delivery import retention

    retention.drop_old(today=timezone.now().date())


@shared_task
def check_database() -> None:
    from delivery import restoring

    restoring.check(now=timezone.now())
