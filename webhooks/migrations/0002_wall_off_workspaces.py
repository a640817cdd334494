"""What belongs to a workspace points at what belongs to the same one, and is not there for another."""

from django.db import migrations

from audit.links import pointed_at, same
from audit.policies import of_workspace


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0001_keep_webhooks"), ("campaigns", "0011_link_within_a_workspace")]
    operations = [
        pointed_at("webhooks_endpoint"),
        pointed_at("webhooks_delivery"),
        same("webhooks_delivery", "endpoint_id", "webhooks_endpoint"),
        same("webhooks_attempt", "delivery_id", "webhooks_delivery"),
        same("webhooks_following", "endpoint_id", "webhooks_endpoint"),
        same("webhooks_following", "campaign_id", "campaigns_campaign"),
        of_workspace("webhooks_endpoint", "webhooks_delivery", "webhooks_attempt", "webhooks_following"),
    ]
