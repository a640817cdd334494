"""Revisions are behind the wall of their sender, and so is their history."""

from django.db import migrations

from audit.policies import of_parent


class Migration(migrations.Migration):
    dependencies = [("senders", "0005_link_within_a_workspace")]
    operations = [
        of_parent("senders_revision", sender_id="senders_sender"),
        of_parent("senders_historicalrevision", sender_id="senders_sender"),
    ]
