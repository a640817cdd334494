"""Checks every chain of the ledger; exits 1 and names the first broken entry."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from audit import verification


class Command(BaseCommand):
    help = "Verify the audit ledger's hash chains; names the first broken entry."

    def handle(self, *args: Any, **options: Any) -> None:
        verdicts = [verification.verify(chain) for chain in verification.chains()]
        for verdict in verdicts:
            verification.keep(verdict, now=timezone.now())
            if verdict.broken:
                seq, what = verdict.broken
                self.stderr.write(f"chain {verdict.chain}: entry {seq} {what}")
            else:
                self.stdout.write(f"chain {verdict.chain}: {verdict.entries} entries, head {verdict.head}")
        if any(verdict.broken for verdict in verdicts):
            raise CommandError("The ledger does not hold.")
