"""Counts are seen and written by their workspace only, and point at what is its own."""

from django.db import migrations

from audit.links import same
from audit.policies import of_workspace


class Migration(migrations.Migration):
    dependencies = [("reports", "0008_count_days"), ("senders", "0005_link_within_a_workspace")]
    operations = [
        of_workspace("reports_daycount"),
        same("reports_daycount", "campaign_id", "campaigns_campaign"),
        same("reports_daycount", "sender_id", "senders_sender"),
    ]
