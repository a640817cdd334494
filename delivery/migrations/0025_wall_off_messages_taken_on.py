"""Messages that were pushed belong to a workspace, and to a campaign of the same one."""

from django.db import migrations

from audit.links import same
from audit.policies import of_workspace


class Migration(migrations.Migration):
    dependencies = [("delivery", "0024_take_on_messages")]
    operations = [
        same("delivery_push", "campaign_id", "campaigns_campaign"),
        of_workspace("delivery_push"),
    ]
