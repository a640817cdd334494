"""Which channel of a route a message goes over; null is the campaign's own, for what was there before."""

from django.db import migrations, models

ADD = "ALTER TABLE delivery_message ADD COLUMN channel_id bigint"
DROP = "ALTER TABLE delivery_message DROP COLUMN channel_id"
HELP = "Null is the campaign's own."


class Migration(migrations.Migration):
    dependencies = [("delivery", "0007_keep_receipts_in_blocks")]
    operations = [
        migrations.RunSQL(ADD, DROP),
        migrations.AddField("intent", "channel_id", models.BigIntegerField(null=True, help_text=HELP)),
    ]
