"""Background work of accounts: an address each."""

from celery import shared_task


@shared_task(acks_late=True, ignore_result=True)
def forget_attempts() -> None:
    from django.utils import timezone

    from accounts import lock_outs

    lock_outs.forget(now=timezone.now())


@shared_task(acks_late=True, ignore_result=True)
def forget_sessions() -> None:
    from django.utils import timezone

    from accounts import sessions, unsent

    sessions.forget(now=timezone.now())
    unsent.forget(now=timezone.now())


@shared_task(acks_late=True, ignore_result=True)
def forget_calls() -> None:
    from django.utils import timezone

    from accounts import idempotency

    idempotency.forget(now=timezone.now())
