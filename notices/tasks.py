"""Background work of notices: an address each."""

from celery import shared_task


@shared_task(acks_late=True, ignore_result=True)
def look() -> None:
    from django.utils import timezone

    from notices import reading

    reading.look(now=timezone.now())


@shared_task(acks_late=True, ignore_result=True)
def tell(notice_id: int) -> None:
    from django.utils import timezone

    from notices import telling

    telling.tell(notice_id, now=timezone.now())


@shared_task(acks_late=True, ignore_result=True)
def forget() -> None:
    from django.utils import timezone

    from notices import reading

    reading.forget(now=timezone.now())
