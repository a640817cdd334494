"""Background work of moderation: an address each."""

from celery import shared_task


@shared_task(acks_late=True, ignore_result=True)
def lapse() -> None:
    from django.utils import timezone

    from moderation import lapsing

    lapsing.lapse(now=timezone.now())
