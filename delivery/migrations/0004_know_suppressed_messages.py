"""A tenth state: what was not sent because its number had been suppressed by the time of its intent."""

from django.db import migrations, models

# NOT VALID takes no look at the millions of rows, all of which pass the narrower constraint; VALIDATE locks nobody out.
WIDEN = """
ALTER TABLE delivery_message
    DROP CONSTRAINT message_known_state,
    ADD CONSTRAINT message_known_state CHECK (state BETWEEN 1 AND {last}) NOT VALID
"""
VALIDATE = "ALTER TABLE delivery_message VALIDATE CONSTRAINT message_known_state"

STATES = [
    (1, "Handed over, answer awaited"),
    (2, "Refused for the moment, will be tried again"),
    (3, "Handed over, answer lost"),
    (4, "Taken by the carrier, receipt awaited"),
    (5, "No receipt came"),
    (6, "Failed"),
    (7, "Delivered"),
    (8, "Deadline passed before it was sent"),
    (9, "Cancelled before it was sent"),
    (10, "Not sent: the number is suppressed"),
]


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ("delivery", "0003_note_what_does_not_balance"),
        ("recipients", "0006_ask_which_are_suppressed"),
    ]
    operations = [
        migrations.RunSQL(WIDEN.format(last=10), WIDEN.format(last=9)),
        migrations.RunSQL(VALIDATE, migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="tally", name="state", field=models.SmallIntegerField(choices=STATES)
        ),
    ]
