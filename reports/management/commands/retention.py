"""Deletes what has been kept long enough, in every store; or says what that would be."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from reports import retaining
from reports.retaining import Due


class Command(BaseCommand):
    help = (
        "Delete what a workspace, or the installation, keeps no longer: messages, lists, exports, messages from phones."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Say what would go, and change nothing.")

    def handle(self, *args: Any, **options: Any) -> None:
        act = retaining.look if options["dry_run"] else retaining.run
        for line in _lines(act(now=timezone.now())) or ["Nothing is old enough."]:
            self.stdout.write(line)


def _lines(due: Due) -> list[str]:
    """The same of what would go and of what went."""
    return [
        *(f"partition {name}" for name in due.partitions),
        *(f"details of campaign {pk}" for pk in due.campaigns),
        *(f"list {pk}" for pk in due.lists),
        *(f"export {pk}" for pk in due.exports),
        *(f"{n} messages from phones, workspace {pk or 'unknown'}" for pk, n in due.inbound.items()),
    ]
