"""Writes docs/states.md."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from config import states


class Command(BaseCommand):
    help = "Write docs/states.md from the tables of moves."

    def handle(self, *args: Any, **options: Any) -> None:
        (settings.ROOT / "docs" / "states.md").write_text(states.render())
