"""Decisions, claims and notes are behind the wall of what they are about."""

from django.db import migrations

from audit.policies import of_parent


class Migration(migrations.Migration):
    dependencies = [("moderation", "0012_want_two_for_triggers"), ("senders", "0006_wall_off_revisions")]
    operations = [
        of_parent("moderation_decision", campaign_id="campaigns_campaign"),
        of_parent("moderation_claim", campaign_id="campaigns_campaign", revision_id="senders_revision"),
        of_parent("moderation_note", campaign_id="campaigns_campaign", revision_id="senders_revision"),
    ]
