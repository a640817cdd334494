"""Compares the counters with the rows; exits 1 when they differ."""

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from campaigns.models import Campaign
from reports import reconciliation


class Command(BaseCommand):
    help = "Compare tallies and chunks with the messages: of the campaigns named, or of all under way or over today."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("campaigns", nargs="*", type=int, metavar="ID")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted: list[int] = options["campaigns"]
        campaigns = (
            Campaign.objects.filter(pk__in=wanted) if wanted else reconciliation.to_check(now=timezone.now())
        ).select_related("list")
        if missing := set(wanted) - {campaign.pk for campaign in campaigns}:
            raise CommandError(f"There is no campaign {', '.join(map(str, sorted(missing)))}.")
        differences = {campaign: reconciliation.differences(campaign) for campaign in campaigns.order_by("pk")}
        for campaign, found in differences.items():
            for difference in found:
                self.stdout.write(f"campaign {campaign.pk} ({campaign}): {difference}")
        if unmatched := reconciliation.unmatched_receipts(now=timezone.now()):
            self.stdout.write(f"{unmatched} receipts have matched no message.")
        if differing := sum(bool(found) for found in differences.values()):
            raise CommandError(f"{differing} of {len(differences)} campaigns differ.")
        self.stdout.write(f"{len(differences)} campaigns agree with their rows.")
