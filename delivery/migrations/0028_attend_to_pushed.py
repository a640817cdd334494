"""Chunks of pushed messages with something to do are found without those of lists."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("delivery", "0027_link_who_pushed")]
    operations = [
        AddIndexConcurrently(
            "chunk",
            models.Index(name="chunk_pushed", fields=["campaign"], condition=Q(status="open", key="")),
        ),
    ]
