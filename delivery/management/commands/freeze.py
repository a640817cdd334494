"""To be run after a restore, before any worker starts: nothing is sent until release_restore."""

import argparse
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from delivery import restoring


class Command(BaseCommand):
    help = "Freeze every open chunk and pause every campaign: the database was restored to an earlier point."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--reason", default="By command, freeze.", help="For the ledger.")

    def handle(self, *args: Any, **options: Any) -> None:
        frozen = restoring.freeze(reason=options["reason"], now=timezone.now())
        self.stdout.write(f"{frozen} Nothing is sent until release_restore.")
