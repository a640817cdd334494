"""The texts of a workspace are not there for another one, whatever a query forgets."""

from django.db import migrations

from audit.policies import of_workspace


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0012_keep_texts")]
    operations = [of_workspace("campaigns_savedtext")]
