"""How far each endpoint was told who is suppressed."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0004_drop_deliveries_unread")]
    operations = [
        migrations.AddField(
            "endpoint",
            "suppressed_seq",
            models.BigIntegerField(
                db_default=0, default=0, help_text="And up to here for `suppressions.changed`, which may have to wait."
            ),
        ),
        migrations.AlterField(
            "endpoint",
            "with_numbers",
            models.BooleanField(
                default=False, help_text="Events of messages and suppressed numbers have the numbers."
            ),
        ),
    ]
