"""Steps are behind the wall of their erasure."""

from django.db import migrations

from audit.policies import of_parent


class Migration(migrations.Migration):
    dependencies = [("reports", "0013_wall_off_erasures")]
    operations = [
        of_parent("reports_erasurestep", erasure_id="reports_erasure"),
    ]
