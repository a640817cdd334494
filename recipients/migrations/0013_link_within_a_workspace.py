"""What belongs to a workspace points at what belongs to the same one, also when SQL says otherwise."""

from django.db import migrations

from audit.links import pointed_at


class Migration(migrations.Migration):
    dependencies = [("recipients", "0012_wall_off_workspaces")]
    operations = [
        pointed_at("recipients_recipientlist"),
    ]
