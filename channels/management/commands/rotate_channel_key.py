"""Encrypts the secrets of all channels with the key of today."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.refusal import Refused
from channels import rotation


class Command(BaseCommand):
    help = "Encrypt every channel's secrets with CHANNEL_KEY; the keys before it stand in CHANNEL_KEY_FALLBACKS."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            rotated = rotation.rotate(by=None)
        except Refused as refusal:
            raise CommandError(refusal.message) from refusal
        for name in rotated:
            self.stdout.write(f"The secrets of {name} are encrypted with the new key.")
        self.stdout.write("CHANNEL_KEY_FALLBACKS is not needed any more." if rotated else "Nothing was to be done.")
