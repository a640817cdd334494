"""Encrypts the secrets of all webhooks with the key of today."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from webhooks import endpoints


class Command(BaseCommand):
    help = "Encrypt the secrets of webhooks with WEBHOOK_KEY; the keys before it: WEBHOOK_KEY_FALLBACKS."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            sealed = endpoints.seal_anew()
        except ImproperlyConfigured as trouble:
            raise CommandError(str(trouble)) from trouble
        if not sealed:
            self.stdout.write("Nothing was to be done.")
            return
        self.stdout.write(f"The secrets of {sealed} webhooks are encrypted with the new key.")
        self.stdout.write("WEBHOOK_KEY_FALLBACKS is not needed any more.")
