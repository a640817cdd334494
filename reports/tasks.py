"""Doorbells of the exports, and of what is counted and kept."""

from celery import shared_task
from django.utils import timezone


@shared_task(acks_late=True, ignore_result=True)
def write_export(export_id: int) -> None:
    from reports import exports

    exports.write(export_id, clock=timezone.now)


@shared_task(acks_late=True, ignore_result=True)
def answer_inquiry(inquiry_id: int) -> None:
    from reports import inquiries

    inquiries.work_on(inquiry_id, clock=timezone.now)


@shared_task(acks_late=True, ignore_result=True)
def sweep() -> None:
    from reports import exports

    exports.ring_again(now=timezone.now())
    exports.let_go(now=timezone.now())


@shared_task
def ask_standing() -> None:
    from reports import standing

    standing.ask_due(now=timezone.now())


@shared_task(acks_late=True, ignore_result=True)
def sweep_inquiries() -> None:
    from reports import inquiries

    inquiries.ring_again(now=timezone.now())
    inquiries.let_go(now=timezone.now())


@shared_task
def sweep_objects() -> None:
    from reports import leftovers

    leftovers.sweep(now=timezone.now())


@shared_task
def reconcile() -> None:
    from reports import reconciliation

    reconciliation.watch(now=timezone.now())


@shared_task
def erase_number(erasure_id: int) -> None:
    from reports import erasures

    erasures.work_on(erasure_id, clock=timezone.now)


@shared_task
def sweep_erasures() -> None:
    from reports import erasures

    erasures.ring_due(now=timezone.now())


@shared_task
def retain() -> None:
    from reports import retaining

    retaining.run(now=timezone.now())


@shared_task
def count_days() -> None:
    from reports import day_counts

    day_counts.count_anew(now=timezone.now())
