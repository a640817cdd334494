"""Moves old entries of the ledger into the object storage, as sealed segments of which the chain goes on to know.

Killed at any point, it goes on from there the next time. `verify_audit` walks segments and table as one chain.
"""

from argparse import ArgumentParser
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from audit import segments, verification
from audit.models import Segment
from audit.refusal import Refused
from audit.segments import Damaged


class Command(BaseCommand):
    help = "Move entries that are older than so many days into sealed segments in the object storage."

    def add_arguments(self, parser: ArgumentParser) -> None:
        least = segments.YOUNGEST.days
        parser.add_argument("--older-than", type=int, required=True, help=f"Days, {least} or more.")
        parser.add_argument("--chain", type=int, help="Only this chain: the id of a workspace, 0 for the installation.")
        parser.add_argument("--dry-run", action="store_true", help="Say what would be moved, and change nothing.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["older_than"] < segments.YOUNGEST.days:
            raise CommandError(f"Entries stay in the table for {segments.YOUNGEST.days} days at least.")
        before = timezone.now() - timedelta(days=options["older_than"])
        chains = verification.chains() if options["chain"] is None else [options["chain"]]
        act = self._say if options["dry_run"] else self._seal
        for chain in chains:
            try:
                act(chain, before)
            except (Refused, Damaged) as trouble:
                raise CommandError(f"chain {chain}: {trouble}") from trouble

    def _say(self, chain: int, before: datetime) -> None:
        if stretch := segments.due(chain, before=before):
            told = f"chain {chain}: {stretch.count} entries, {stretch.first} to {stretch.last}, would be sealed"
            self.stdout.write(told)

    def _seal(self, chain: int, before: datetime) -> None:
        for segment in segments.sealed_and_there(chain):  # of a run that was killed
            self._remove(segment)
        if stretch := segments.due(chain, before=before):
            for part in segments.parts(stretch):
                self._remove(segments.seal(part))

    def _remove(self, segment: Segment) -> None:
        removed = segments.remove(segment)
        self.stdout.write(f"chain {segment.chain}: {removed} entries are sealed in {segment.key}")
