"""Compares the counters with the rows, and the rows with each other; exits 1 when something cannot be true."""

import argparse
from collections.abc import Iterable
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Min
from django.utils import timezone

from audit.refusal import Refused
from campaigns.models import Campaign
from delivery import housekeeping
from reports import reconciliation


class Command(BaseCommand):
    help = "Compare tallies and chunks with the messages: of the campaigns named, or of all under way or over today."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("campaigns", nargs="*", type=int, metavar="ID")
        parser.add_argument(
            "--repair-tallies", action="store_true", help="First make the counters say what the messages say."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        wanted: list[int] = options["campaigns"]
        campaigns = (
            Campaign.objects.filter(pk__in=wanted) if wanted else reconciliation.to_check(now=timezone.now())
        ).select_related("list")
        if missing := set(wanted) - {campaign.pk for campaign in campaigns}:
            raise CommandError(f"There is no campaign {', '.join(map(str, sorted(missing)))}.")
        if options["repair_tallies"]:
            self._repair(campaigns)
        first = campaigns.aggregate(at=Min("started_at"))["at"] or timezone.now()
        differences = reconciliation.check(list(campaigns.order_by("pk")), receipts_since=first)
        for campaign, found in differences.items():
            for difference in found:
                self.stdout.write(f"campaign {campaign.pk} ({campaign}): {difference}")
        if unmatched := reconciliation.unmatched_receipts(now=timezone.now()):
            self.stdout.write(f"{unmatched} receipts have matched no message.")
        if differing := sum(bool(found) for found in differences.values()):
            raise CommandError(f"{differing} of {len(differences)} campaigns differ.")
        self.stdout.write(f"{len(differences)} campaigns agree with their rows.")

    def _repair(self, campaigns: Iterable[Campaign]) -> None:
        for campaign in campaigns:
            try:
                missing = housekeeping.repair_tallies(campaign.pk)
            except Refused as refusal:
                raise CommandError(refusal.message) from refusal
            for state, n in missing.items():
                self.stdout.write(f"campaign {campaign.pk} ({campaign}): the counter of {state} was {-n:+} off.")
