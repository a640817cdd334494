"""What belongs to a workspace is not there for another one, whatever a query forgets."""

from django.db import migrations

from audit.policies import of_workspace


class Migration(migrations.Migration):
    dependencies = [("reports", "0012_keep_erasures")]
    operations = [of_workspace("reports_erasure")]
