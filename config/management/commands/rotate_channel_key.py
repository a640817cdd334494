"""Encrypts the secrets of all channels with the key of today; those of webhooks, too, where that is theirs."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from audit.refusal import Refused
from channels import rotation
from webhooks import endpoints


class Command(BaseCommand):
    help = "Encrypt the secrets of channels with CHANNEL_KEY; the keys before it: CHANNEL_KEY_FALLBACKS."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            rotated = rotation.rotate(by=None)
            sealed = endpoints.seal_anew() if settings.WEBHOOK_KEY == settings.CHANNEL_KEY else 0
        except (Refused, ImproperlyConfigured) as trouble:
            raise CommandError(str(trouble)) from trouble
        for name in rotated:
            self.stdout.write(f"The secrets of {name} are encrypted with the new key.")
        if sealed:
            self.stdout.write(f"So are those of {sealed} webhooks.")
        is_done = rotated or sealed
        self.stdout.write("CHANNEL_KEY_FALLBACKS is not needed any more." if is_done else "Nothing was to be done.")
