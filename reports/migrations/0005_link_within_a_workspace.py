"""What belongs to a workspace points at what belongs to the same one, also when SQL says otherwise."""

from django.db import migrations

from audit.links import same


class Migration(migrations.Migration):
    dependencies = [("reports", "0004_wall_off_workspaces"), ("campaigns", "0011_link_within_a_workspace")]
    operations = [
        same("reports_export", "campaign_id", "campaigns_campaign"),
    ]
