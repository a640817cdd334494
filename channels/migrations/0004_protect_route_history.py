"""The histories of routes are for reading, as that of channels is."""

from django.db import migrations

from audit.triggers import append_only


class Migration(migrations.Migration):
    dependencies = [("channels", "0003_add_routes"), ("audit", "0002_refuse_changes")]
    operations = [append_only("channels_historicalroute", "channels_historicalroutemember")]
