"""What belongs to a workspace is not there for another one, whatever a query forgets."""

from django.db import migrations

from audit.policies import of_workspace


class Migration(migrations.Migration):
    dependencies = [("accounts", "0008_keep_what_old_keys_may")]
    operations = [of_workspace("accounts_idempotentcall")]
