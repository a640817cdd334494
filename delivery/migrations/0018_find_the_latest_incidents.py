"""The register of incidents shows the latest first."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delivery", "0017_say_why_messages_failed")]
    operations = [
        migrations.AddIndex(
            model_name="incident", index=models.Index(name="incident_latest", fields=["-minute", "-id"])
        ),
    ]
