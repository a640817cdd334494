"""Seals the secrets of all apps with codes under the key of today."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import second_steps


class Command(BaseCommand):
    help = "Seal every app's secret under SECRET_KEY; the keys before it stand in SECRET_KEY_FALLBACKS."

    def handle(self, *args: Any, **options: Any) -> None:
        done = second_steps.reseal()
        self.stdout.write(f"{done.apps} secrets are sealed under the new key.")
        if done.lost:
            raise CommandError(f"No key opens those of {', '.join(done.lost)}: reset their second step.")
