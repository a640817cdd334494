"""Keys, invitations and requests to join are seen by their workspace; whoever comes by one is let in by name."""

from django.db import migrations

from audit.policies import of_workspace


class Migration(migrations.Migration):
    dependencies = [("accounts", "0016_point_at_keys")]
    operations = [of_workspace("accounts_apikey", "accounts_invitation", "accounts_joinrequest")]
