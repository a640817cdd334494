"""What belongs to a workspace is not there for another one, whatever a query forgets."""

from django.db import migrations

from audit.policies import of_workspace


class Migration(migrations.Migration):
    dependencies = [("accounts", "0009_rule_approvals")]
    operations = [of_workspace("accounts_idempotentcall")]
