"""Checks a bundle of evidence without the database; exits 1 and says in words what does not hold."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from reports import bundle, signing_keys


class Command(BaseCommand):
    help = "Verify a signed bundle of evidence, without the database; or say the public key of this installation."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, nargs="?", help="Without one: say the public key of this installation.")
        parser.add_argument("--key", help="The public key that must have signed it; otherwise it may be any of ours.")

    def handle(self, *args: Any, **options: Any) -> None:
        known = signing_keys.public()
        if options["file"] is None:
            self.stdout.write(next(iter(known.values())))
            return
        try:
            data = options["file"].read_bytes()
            public = options["key"] or known.get(bundle.signer(data)) or next(iter(known.values()))
            name = bundle.key_id(public)
            found = bundle.faults(data, public=public)
        except ValueError as trouble:
            raise CommandError(f"That is no public key: {trouble}.", returncode=2) from trouble
        except (OSError, bundle.Unreadable) as trouble:
            raise CommandError(str(trouble), returncode=2) from trouble
        for fault in found:
            self.stderr.write(fault)
        if found:
            raise CommandError("The evidence does not hold.")
        self.stdout.write(f"The evidence holds; signed by key {name}.")
        for note in bundle.notes(data):
            self.stdout.write(note)
