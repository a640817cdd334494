"""An SMSC to talk to; `python -m simulator` is the same without Django."""

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from simulator import knobs
from simulator.smsc import serve


class Command(BaseCommand):
    help = __doc__ or ""
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        knobs.add_arguments(parser, os.environ)

    def handle(self, *args: Any, **options: Any) -> None:
        serve(knobs.of(options))
