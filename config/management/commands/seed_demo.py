"""Makes the demo's workspace, people, sender and channel; prints ids, logins and tokens."""

import json
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from config import demo


class Command(BaseCommand):
    help = "Make what the demo needs, or find it again. With DEMO_FILE set, passwords and tokens stay the same."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        file = Path(settings.DEMO_FILE) if settings.DEMO_FILE else None
        known = json.loads(file.read_text()) if file and file.exists() else {}
        seeded = demo.seed(known, now=timezone.now())
        if file:
            _write_private(file, json.dumps(seeded, indent=2))
        if options["json"]:
            self.stdout.write(json.dumps(seeded))
            return
        for name, person in seeded["users"].items():
            self.stdout.write(f"{name:<11} {person['email']}  {person['password']}  token {person['token']}")
        self.stdout.write(f"{'API key':<11} {seeded['api_key']}")


def _write_private(file: Path, text: str) -> None:
    """Whole or not at all, and nobody else reads it: there are passwords in it."""
    fresh = file.with_name(f"{file.name}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as opened:
        opened.write(text)
    fresh.replace(file)
