"""What belongs to a workspace is not there for another one, whatever a query forgets."""

from django.db import migrations

from audit.policies import of_workspace


class Migration(migrations.Migration):
    dependencies = [("moderation", "0010_hold_approvals_to_their_rules")]
    operations = [of_workspace("moderation_cannedreason", "moderation_blockedterm", is_shared=True)]
