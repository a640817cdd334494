"""Field histories are for reading: nobody rewrites them."""

from django.db import migrations

from audit.triggers import append_only


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0001_initial"), ("audit", "0002_refuse_changes")]
    operations = [append_only("campaigns_historicalcampaign")]
