"""Checks the chains of the ledger and names the first broken entry of each that does not hold.

Exits 3 when a chain does not hold; 4 when all hold but entries have no witness yet, where `--witnessed` asks for one;
1 is any other trouble, 2 a wrong argument: a store that did not answer is not a ledger that was changed.
"""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from audit import verification
from audit.verification import Verdict

BROKEN, UNWITNESSED = 3, 4


class Command(BaseCommand):
    help = "Verify the audit ledger's hash chains beside their kept heads; names the first broken entry."

    def add_arguments(self, parser: ArgumentParser) -> None:
        help_text = "Only this chain: the id of a workspace, 0 for the installation."
        parser.add_argument("--workspace", "--chain", dest="chain", type=int, help=help_text)
        parser.add_argument("--witnessed", action="store_true", help="Exit 4 when entries have no witness yet.")
        parser.add_argument("--live-only", action="store_true", help="Leave out what is in sealed segments.")
        parser.add_argument("--json", action="store_true", help="One JSON object a chain.")

    def handle(self, *args: Any, **options: Any) -> None:
        chains = verification.chains() if options["chain"] is None else [options["chain"]]
        is_sound, has_tail = True, False
        for chain in chains:
            begin = verification.begin_of_table(chain) if options["live_only"] else verification.BEGINNING
            verdict = verification.verify(chain, after=begin)
            verification.keep(verdict, now=timezone.now(), is_whole=begin == verification.BEGINNING)
            is_sound = is_sound and not verdict.broken
            has_tail = has_tail or verdict.unwitnessed > 0
            if options["json"]:
                self.stdout.write(json.dumps(asdict(verdict) | {"unwitnessed": verdict.unwitnessed}))
            else:
                (self.stderr if verdict.broken else self.stdout).write(_said(verdict))
        if not is_sound:
            raise CommandError("The ledger does not hold.", returncode=BROKEN)
        if has_tail and options["witnessed"]:
            raise CommandError("The ledger holds, but has an un-witnessed tail.", returncode=UNWITNESSED)


def _said(verdict: Verdict) -> str:
    if verdict.broken:
        seq, what = verdict.broken
        return f"chain {verdict.chain}: entry {seq} {what}"
    said = f"chain {verdict.chain}: {verdict.entries} entries, head {verdict.head}"
    tail = f"; the last {verdict.unwitnessed} have no witness yet" if verdict.unwitnessed else ""
    return said + tail
