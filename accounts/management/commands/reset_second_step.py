"""Takes somebody's second step away, who has lost their phone and their recovery codes."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import second_steps
from accounts.models import User


class Command(BaseCommand):
    help = "Let the account of EMAIL sign in by its password alone, and end its sessions. Be sure who asks for it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(email__iexact=options["email"]).first()
        if user is None:
            raise CommandError(f"Nobody here has the email “{options['email']}”.")
        second_steps.reset(user.pk, by=None)
        self.stdout.write(f"{user} signs in by the password alone; every browser has to sign in again.")
