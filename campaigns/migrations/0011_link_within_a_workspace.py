"""What belongs to a workspace points at what belongs to the same one, also when SQL says otherwise."""

from django.db import migrations

from audit.links import pointed_at, same


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0010_wall_off_workspaces"), ("senders", "0005_link_within_a_workspace"), ("recipients", "0013_link_within_a_workspace")]
    operations = [
        pointed_at("campaigns_campaign"),
        same("campaigns_campaign", "sender_id", "senders_sender"),
        same("campaigns_campaign", "revision_id", "senders_revision", within="sender_id"),
        same("campaigns_campaign", "list_id", "recipients_recipientlist"),
        same("campaigns_campaign", "trial_of_id", "campaigns_campaign"),
        same("campaigns_trialnumber", "trial_id", "campaigns_campaign"),
    ]
