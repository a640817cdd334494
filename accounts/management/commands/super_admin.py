"""Makes somebody a super admin, or no longer one: where there is a shell, as no page does it to a super admin."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts import registry
from accounts.models import User


class Command(BaseCommand):
    help = "Make the account of EMAIL a super admin; with --withdraw, take that away and revoke what stood on it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--withdraw", action="store_true")
        parser.add_argument("--switch-off", action="store_true", help="with --withdraw: the account signs in no more")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(email__iexact=options["email"]).first()
        if user is None:
            raise CommandError(f"Nobody here has the email “{options['email']}”.")
        if not options["withdraw"]:
            if options["switch_off"]:
                raise CommandError("--switch-off goes with --withdraw.")
            registry.appoint(user.pk)
            self.stdout.write(f"{user} is a super admin.")
            return
        registry.withdraw(user.pk, switch_off=options["switch_off"], now=timezone.now())
        self.stdout.write(f"{user} is no super admin any more.")
