"""Adds or changes a route of several channels."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from channels import routes
from channels.models import Channel


class Command(BaseCommand):
    help = "Add a route (several channels with their shares), or give the one of that name these members."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", required=True)
        parser.add_argument(
            "--member",
            action="append",
            default=[],
            required=True,
            metavar="CHANNEL[:WEIGHT]",
            help="its share against the others, 1 to 100; once for each channel",
        )
        parser.add_argument(
            "--backup",
            action="append",
            default=[],
            metavar="CHANNEL[:WEIGHT]",
            help="carries only while no member can",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        members = [_member(text) for text in options["member"]]
        members += [_member(text, is_backup=True) for text in options["backup"]]
        try:
            route = routes.save(options["name"], by=None, members=members)
        except ValidationError as error:
            problems = "; ".join(f"{key}: {' '.join(texts)}" for key, texts in error.message_dict.items())
            raise CommandError(problems) from error
        self.stdout.write(f"Route {route.pk} “{route.name}” → {', '.join([*options['member'], *options['backup']])}")


def _member(text: str, *, is_backup: bool = False) -> routes.Member:
    name, _, weight = text.partition(":")
    channel = Channel.objects.filter(name=name).first()
    if channel is None:
        raise CommandError(f"There is no channel “{name}”.")
    if weight and not weight.isdecimal():
        raise CommandError(f"“{text}”: write it as CHANNEL:WEIGHT, with a whole number.")
    return routes.Member(channel=channel, weight=int(weight or 1), is_backup=is_backup)
