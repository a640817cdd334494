"""Numbers that were not imported are found without the millions that were."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("recipients", "0016_wall_off_objects_of_lists")]
    operations = [
        AddIndexConcurrently(
            "suppression",
            models.Index(name="suppression_of_people", fields=["workspace", "id"], condition=~Q(source="import")),
        ),
    ]
