import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_invite_and_ask")]
    operations = [
        migrations.AddField(
            model_name="apikey",
            name="scopes",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=40),
                db_default=[],
                default=list,
                help_text="What it is for: accounts.scopes. A key without any may nothing.",
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="apikey", name="expires_at", field=models.DateTimeField(blank=True, null=True)
        ),
    ]
