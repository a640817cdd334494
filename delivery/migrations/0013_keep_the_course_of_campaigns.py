"""When counters moved: noted by the database itself, so that whoever counts writes what it wrote before.

What was counted until now has no time: the default comes after the column.
"""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

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
    dependencies = [
        ("campaigns", "0006_guard_hours_limits_and_routes"),
        ("delivery", "0012_let_others_pass_a_chunk_that_is_away"),
    ]
    operations = [
        migrations.CreateModel(
            name="Movement",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "campaign_id", "begin", "state", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "campaign",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="campaigns.campaign",
                    ),
                ),
                (
                    "begin",
                    models.DateTimeField(
                        help_text="Of the stretch: 10 seconds, and more of a campaign that goes on for long."
                    ),
                ),
                ("state", models.SmallIntegerField(choices=STATES)),
                ("n", models.IntegerField()),
            ],
        ),
        migrations.AddField(
            model_name="tally",
            name="at",
            field=models.DateTimeField(null=True, help_text="Of the transaction; null is a sum of many."),
        ),
        migrations.AlterField(
            model_name="tally",
            name="at",
            field=models.DateTimeField(
                db_default=django.db.models.functions.datetime.Now(),
                help_text="Of the transaction; null is a sum of many.",
                null=True,
            ),
        ),
    ]
