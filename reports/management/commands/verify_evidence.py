"""Checks a bundle of evidence without the database; exits 1 and says in words what does not hold."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from reports import bundle


class Command(BaseCommand):
    help = "Verify a signed bundle of evidence, without the database; or say the public key of this installation."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, nargs="?", help="Without one: say the public key of this installation.")
        parser.add_argument("--key", help="The public key that must have signed it; this installation's otherwise.")

    def handle(self, *args: Any, **options: Any) -> None:
        ours = bundle.public_text(bundle.private_key(settings.EVIDENCE_KEY))
        if options["file"] is None:
            self.stdout.write(ours)
            return
        public = options["key"] or ours
        try:
            name = bundle.key_id(public)
        except ValueError as trouble:
            raise CommandError(f"That is no public key: {trouble}.", returncode=2) from trouble
        try:
            data = options["file"].read_bytes()
            found = bundle.faults(data, public=public)
        except (OSError, bundle.Unreadable) as trouble:
            raise CommandError(str(trouble), returncode=2) from trouble
        for fault in found:
            self.stderr.write(fault)
        if found:
            raise CommandError("The evidence does not hold.")
        self.stdout.write(f"The evidence holds; signed by key {name}.")
        for note in bundle.notes(data):
            self.stdout.write(note)
