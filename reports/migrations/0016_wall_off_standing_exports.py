"""Standing exports are seen and written by their workspace only, and an export points at one of its own."""

from django.db import migrations

from audit.links import pointed_at, same
from audit.policies import of_workspace


class Migration(migrations.Migration):
    dependencies = [("reports", "0015_keep_standing_exports")]
    operations = [
        of_workspace("reports_standingexport"),
        pointed_at("reports_standingexport"),
        same("reports_export", "standing_id", "reports_standingexport"),
    ]
