"""What a list keeps of its objects is behind the wall of the list."""

from django.db import migrations

from audit.policies import of_parent


class Migration(migrations.Migration):
    dependencies = [("recipients", "0015_keep_erased_chunks")]
    operations = [
        of_parent("recipients_upload", list_id="recipients_recipientlist"),
        of_parent("recipients_erasedchunk", list_id="recipients_recipientlist"),
    ]
