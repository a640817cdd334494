"""After a restore: puts in doubt whoever may have got the message since, and lets sending go on."""

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from audit.refusal import Refused
from delivery import restoring
from delivery.models import Chunk


class Command(BaseCommand):
    help = "Release what a restore has frozen: recipients without a result become UNCERTAIN and get nothing again."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--confirm", action="store_true", help="Do it; without, say what would be done.")
        parser.add_argument(
            *("--untouched",),
            action="append",
            default=[],
            type=int,
            metavar="CAMPAIGN",
            help="You know that nothing of this campaign was sent after the point of the restore: it goes on.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        untouched: list[int] = options["untouched"]
        frozen = Chunk.objects.frozen()
        if missing := set(untouched) - set(frozen.values_list("campaign", flat=True)):
            raise CommandError(f"Nothing is frozen of campaign {', '.join(map(str, sorted(missing)))}.")
        if not options["confirm"]:
            going_on = frozen.filter(campaign__in=untouched).count()
            raise CommandError(
                f"{frozen.count() - going_on} frozen chunks: whoever of them has no result is put in doubt and gets"
                f" nothing again. {going_on} go on. Say --confirm."
            )
        try:
            thawed = restoring.thaw(untouched=untouched, now=timezone.now())
        except Refused as refusal:
            raise CommandError(refusal.message) from refusal
        self.stdout.write(f"{thawed.chunks} chunks are released, {thawed.uncertain} recipients are in doubt.")
        self.stdout.write("Paused campaigns wait for somebody to resume or cancel them.")
        if thawed.left:
            raise CommandError(f"These cannot be read, and stay frozen: {', '.join(thawed.left)}.")
