"""Background work of webhooks: an address each."""

from celery import shared_task


@shared_task(acks_late=True, ignore_result=True)
def look() -> None:
    from django.utils import timezone

    from webhooks import deliveries

    deliveries.look(now=timezone.now())


@shared_task(acks_late=True, ignore_result=True, expires=30)
def send(endpoint_id: int) -> None:
    from django.utils import timezone

    from webhooks import deliveries

    deliveries.send(endpoint_id, now=timezone.now())


@shared_task(acks_late=True, ignore_result=True)
def forget() -> None:
    from django.utils import timezone

    from webhooks import deliveries

    deliveries.forget(now=timezone.now())
