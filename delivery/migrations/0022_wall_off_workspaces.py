"""What belongs to a workspace is not there for another one, whatever a query forgets."""

from django.db import migrations

from audit.policies import of_workspace


class Migration(migrations.Migration):
    dependencies = [("delivery", "0021_let_others_prepare_and_drop_partitions")]
    operations = [of_workspace("delivery_inbound", "delivery_spending")]
