"""A tally of failed messages says why they failed, so that nobody counts millions of messages for it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delivery", "0015_keep_within_limits")]
    operations = [
        migrations.AddField(
            model_name="tally",
            name="error_kind",
            field=models.SmallIntegerField(
                choices=[
                    (0, "none"),
                    (1, "command_status of the submit_sm_resp"),
                    (2, "the receipt"),
                    (3, "the text, which did not come about"),
                ],
                db_default=0,
                default=0,
            ),
        ),
        migrations.AddField(model_name="tally", name="error_code", field=models.IntegerField(null=True)),
    ]
