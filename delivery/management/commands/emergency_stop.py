"""Stops all sending, by every worker, within two seconds; lets go only when it is told to."""

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from audit.refusal import Refused
from delivery import halting
from delivery.statuses import HaltKind


class Command(BaseCommand):
    help = "Stop the sending of every campaign on every worker; with --release, let it go on."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--reason", default="", help="For the ledger, and for whoever sees that nothing is sent.")
        parser.add_argument("--release", action="store_true", help="Let go again.")

    def handle(self, *args: Any, **options: Any) -> None:
        act = halting.release if options["release"] else halting.stop
        reason = options["reason"] or f"By command, emergency_stop{' --release' if options['release'] else ''}."
        try:
            act(HaltKind.EMERGENCY, reason=reason, by=None, now=timezone.now())
        except Refused as refusal:
            raise CommandError(refusal.message) from refusal
        if options["release"]:
            others = ", ".join(str(halt).lower() for halt in halting.in_force())
            self.stdout.write(f"Released; still in force: {others}." if others else "Released: sending goes on.")
        else:
            self.stdout.write("Stopped: nothing new is handed over. emergency_stop --release lets go.")
