"""What belongs to a workspace is not there for another one, whatever a query forgets."""

from django.db import migrations

from audit.policies import of_workspace


class Migration(migrations.Migration):
    dependencies = [("senders", "0003_guard_revisions")]
    operations = [of_workspace("senders_sender", "senders_historicalsender")]
