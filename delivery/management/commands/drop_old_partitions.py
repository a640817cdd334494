"""Drops the months whose messages, carrier ids and receipts have been kept long enough."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from delivery import retention


class Command(BaseCommand):
    help = "Drop partitions older than MESSAGE_RETENTION_DAYS, CARRIER_ID_RETENTION_DAYS and RECEIPT_RETENTION_DAYS."

    def handle(self, *args: Any, **options: Any) -> None:
        swept = retention.drop_old(today=timezone.now().date())
        for name in swept.dropped:
            self.stdout.write(f"{name} is dropped.")
        for name in swept.kept:
            self.stdout.write(f"{name} is still needed.")
        if not (swept.dropped or swept.kept):
            self.stdout.write("Nothing is old enough.")
