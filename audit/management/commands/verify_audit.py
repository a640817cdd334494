"""Checks the chains of the ledger; exits 1 and names the first broken entry of each that does not hold."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from audit import verification
from audit.verification import Verdict


class Command(BaseCommand):
    help = "Verify the audit ledger's hash chains beside their kept heads; names the first broken entry."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--chain", type=int, help="Only this one: the id of a workspace, 0 for the installation.")
        parser.add_argument("--json", action="store_true", help="One JSON object a chain.")

    def handle(self, *args: Any, **options: Any) -> None:
        chains = verification.chains() if options["chain"] is None else [options["chain"]]
        is_sound = True
        for chain in chains:
            verdict = verification.verify(chain)
            verification.keep(verdict, now=timezone.now())
            is_sound = is_sound and not verdict.broken
            if options["json"]:
                self.stdout.write(json.dumps(asdict(verdict) | {"unwitnessed": verdict.unwitnessed}))
            else:
                (self.stderr if verdict.broken else self.stdout).write(_said(verdict))
        if not is_sound:
            raise CommandError("The ledger does not hold.")


def _said(verdict: Verdict) -> str:
    if verdict.broken:
        seq, what = verdict.broken
        return f"chain {verdict.chain}: entry {seq} {what}"
    said = f"chain {verdict.chain}: {verdict.entries} entries, head {verdict.head}"
    tail = f"; the last {verdict.unwitnessed} have no witness yet" if verdict.unwitnessed else ""
    return said + tail
