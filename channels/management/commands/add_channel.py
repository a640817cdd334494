"""Adds or changes a channel to any SMSC."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from channels import accounts
from channels.models import BindMode


class Command(BaseCommand):
    help = "Add a channel (a carrier's SMPP account), or change the one of that name."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", required=True)
        parser.add_argument("--host", required=True)
        parser.add_argument("--port", type=int, required=True)
        parser.add_argument("--system-id", default="")
        parser.add_argument("--password", default="")
        parser.add_argument("--system-type", default="")
        parser.add_argument("--tps", type=int, default=0, help="parts a second over all processes; 0: no limit")
        parser.add_argument("--window", type=int, default=10, help="most unanswered submit_sm of a bind")
        parser.add_argument("--binds", type=int, default=1, help="binds of each dispatch process")
        parser.add_argument("--bind-mode", choices=BindMode.values, default=BindMode.TRANSCEIVER)
        parser.add_argument("--tls", action="store_true")
        parser.add_argument("--default", action="store_true", help="campaigns that name no channel use it")

    def handle(self, *args: Any, **options: Any) -> None:
        fields = {
            key: options[key]
            for key in ("host", "port", "system_id", "system_type", "tps", "window", "binds", "bind_mode", "tls")
        }
        if options["default"]:
            fields["is_default"] = True
        try:
            channel = accounts.save(options["name"], by=None, password=options["password"], is_active=True, **fields)
        except ValidationError as error:
            problems = "; ".join(f"{key}: {' '.join(texts)}" for key, texts in error.message_dict.items())
            raise CommandError(problems) from error
        self.stdout.write(f"Channel {channel.pk} “{channel.name}” → {channel.host}:{channel.port}")
