from django.db import migrations

from audit.triggers import append_only


class Migration(migrations.Migration):
    dependencies = [("moderation", "0005_add_claims_notes_and_phrases"), ("audit", "0002_refuse_changes")]
    operations = [append_only("moderation_note")]
