"""What belongs to a workspace is not there for another one, whatever a query forgets."""

from django.db import migrations

from audit.policies import of_workspace


class Migration(migrations.Migration):
    dependencies = [("accounts", "0010_keep_personal_data_for_days")]
    operations = [of_workspace("accounts_idempotentcall")]
