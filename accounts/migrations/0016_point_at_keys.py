"""A message that was pushed points at the key of its own workspace."""

from django.db import migrations

from audit.links import pointed_at


class Migration(migrations.Migration):
    dependencies = [("accounts", "0015_keep_second_steps")]
    operations = [pointed_at("accounts_apikey")]
