"""Keys that were made before there were scopes may what they could: everything that their kind can."""

from django.db import migrations

OF_KEYS = [
    *("campaigns:read", "campaigns:write", "lists:read", "lists:write", "suppressions:read", "suppressions:write"),
    *("senders:read", "senders:write", "reports:read", "exports", "inbound:read", "channels:read", "audit:read"),
    *("members:read", "workspace:read"),
]
OF_TOKENS = [*OF_KEYS, "members:write", "workspace:write", "decide"]


def keep(apps, schema_editor):
    old = apps.get_model("accounts", "ApiKey").objects.filter(scopes=[])
    old.filter(user=None).update(scopes=OF_KEYS)
    old.exclude(user=None).update(scopes=OF_TOKENS)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0007_give_keys_scopes")]
    operations = [migrations.RunPython(keep, migrations.RunPython.noop)]
