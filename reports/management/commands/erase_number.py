"""Has a number erased from a workspace. The number is read from the standard input: arguments are seen by everybody."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.models import Workspace
from audit.refusal import Refused
from reports import erasures
from reports.models import Erasure
from reports.statuses import Place


class Command(BaseCommand):
    help = "Erase the number on the standard input from every store of a workspace; say how far an erasure has come."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--workspace", required=True, metavar="CODE")
        parser.add_argument("--reason", help="Why, for the ledger; without the number.")
        parser.add_argument("--show", type=int, metavar="ID", help="Instead: how far this erasure has come.")

    def handle(self, *args: Any, **options: Any) -> None:
        workspace = Workspace.objects.filter(slug=options["workspace"]).first()
        if workspace is None:
            raise CommandError(f"There is no workspace “{options['workspace']}”.")
        if options["show"]:
            erasure = Erasure.objects.of(workspace).filter(pk=options["show"]).first()
            if erasure is None:
                raise CommandError(f"There is no erasure {options['show']} in {workspace}.")
        else:
            erasure = self._ask(workspace, options["reason"])
        self._tell(erasure)

    def _ask(self, workspace: Workspace, reason: str | None) -> Erasure:
        if not reason:
            raise CommandError("Say why: --reason.")
        number = sys.stdin.readline()
        try:
            erasure = erasures.ask(workspace, number, reason=reason, by=None, now=timezone.now())
        except Refused as refusal:
            raise CommandError(refusal.message) from None
        erasures.work_on(erasure.pk, clock=timezone.now)
        return Erasure.objects.get(pk=erasure.pk)

    def _tell(self, erasure: Erasure) -> None:
        for step in erasure.steps.order_by("pk"):
            self.stdout.write(f"{Place(step.place).label}: {step.found:,} erased")
        if erasure.done_at:
            self.stdout.write(f"Erasure {erasure.pk} is done.")
        else:
            again = f"{erasure.look_at:%Y-%m-%d %H:%M} UTC"
            self.stdout.write(f"Erasure {erasure.pk} ({erasure}): every place is gone through again at {again}.")
