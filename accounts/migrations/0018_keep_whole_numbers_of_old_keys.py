"""Keys that were made before there was the scope `numbers` got whole numbers, and go on doing so: as their roles may."""

from django.db import migrations

GAVE_NUMBERS = ["campaigns:read", "campaigns:write", "messages", "lists:read", "suppressions:read", "suppressions:write"]
GAVE_NUMBERS += ["reports:read", "exports", "inbound:read"]


def keep(apps, schema_editor):
    for key in apps.get_model("accounts", "ApiKey").objects.filter(scopes__overlap=GAVE_NUMBERS):
        if "numbers" not in key.scopes:
            key.scopes = [*key.scopes, "numbers"]
            key.save(update_fields=["scopes"])


class Migration(migrations.Migration):
    dependencies = [("accounts", "0017_wall_off_keys_and_invitations")]
    operations = [migrations.RunPython(keep, migrations.RunPython.noop)]
