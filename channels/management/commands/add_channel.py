"""Adds or changes a channel to any SMSC."""

from argparse import ArgumentParser, BooleanOptionalAction
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from channels import accounts
from channels.models import BindMode

FIELDS = ("host", "port", "system_id", "system_type", "tps", "window", "binds", "bind_mode", "tls", "is_default")


class Command(BaseCommand):
    help = "Add a channel (a carrier's SMPP account), or change the one of that name: what is not given stays as it is."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", required=True)
        parser.add_argument("--host", required=True)
        parser.add_argument("--port", type=int, required=True)
        parser.add_argument("--system-id")
        parser.add_argument("--password")
        parser.add_argument("--system-type")
        parser.add_argument("--tps", type=int, help="parts a second over all processes; 0, of a new one: no limit")
        parser.add_argument("--window", type=int, help="most unanswered submit_sm of a bind; of a new one: 10")
        parser.add_argument("--binds", type=int, help="binds of each dispatch process; of a new one: 1")
        parser.add_argument("--bind-mode", choices=BindMode.values)
        parser.add_argument("--tls", action=BooleanOptionalAction)
        parser.add_argument(
            "--default",
            dest="is_default",
            action="store_const",
            const=True,
            help="campaigns that name no channel use it",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        fields = {name: options[name] for name in FIELDS if options[name] is not None}
        try:
            channel = accounts.save(options["name"], by=None, password=options["password"], **fields)
        except ValidationError as error:
            problems = "; ".join(f"{key}: {' '.join(texts)}" for key, texts in error.message_dict.items())
            raise CommandError(problems) from error
        self.stdout.write(f"Channel {channel.pk} “{channel.name}” → {channel.host}:{channel.port}")
