"""Background work of channels: an address each."""

from celery import shared_task


@shared_task(expires=30)
def test_bind(channel_id: int) -> None:
    from django.utils import timezone

    from channels import probe

    probe.work_on(channel_id, clock=timezone.now)
