"""Who pushed a message is a key of the workspace that it belongs to."""

from django.db import migrations

from audit.links import same


class Migration(migrations.Migration):
    dependencies = [("delivery", "0026_keep_who_pushed")]
    operations = [same("delivery_push", "pushed_by_id", "accounts_apikey")]
