"""What belongs to a workspace is not there for another one, whatever a query forgets."""

from django.db import migrations

from audit.policies import of_workspace


class Migration(migrations.Migration):
    dependencies = [("notices", "0001_keep_notices")]
    operations = [of_workspace("notices_cursor")]
