"""Lets quarantined chunks go on, once what was wrong with them is mended."""

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.refusal import Refused
from delivery import quarantine
from delivery.models import Chunk


class Command(BaseCommand):
    help = "Let quarantined chunks go on; without an id, list them."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("chunks", nargs="*", type=int, metavar="ID")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted: list[int] = options["chunks"]
        if not wanted:
            for chunk in Chunk.objects.quarantined().select_related("campaign").order_by("pk"):
                self.stdout.write(f"{chunk.pk}: campaign {chunk.campaign_id} ({chunk.campaign}), {chunk.trouble}")
        for chunk_id in wanted:
            try:
                quarantine.release(chunk_id, by=None)
            except Chunk.DoesNotExist:
                raise CommandError(f"There is no chunk {chunk_id}.") from None
            except Refused as refusal:
                raise CommandError(refusal.message) from refusal
            self.stdout.write(f"Chunk {chunk_id} is released.")
