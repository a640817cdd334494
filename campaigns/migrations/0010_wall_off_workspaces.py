"""What belongs to a workspace is not there for another one, whatever a query forgets."""

from django.db import migrations

from audit.policies import of_workspace


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0009_guard_trials")]
    operations = [of_workspace("campaigns_campaign", "campaigns_historicalcampaign", "campaigns_trialnumber")]
