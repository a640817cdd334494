"""Chunks that nobody works on until a person has looked: quarantined, and frozen after a restore."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("delivery", "0008_know_the_channel"),
    ]
    operations = [
        migrations.RemoveConstraint(
            model_name='chunk',
            name='chunk_known_status',
        ),
        migrations.RemoveConstraint(
            model_name='incident',
            name='incident_known_kind',
        ),
        migrations.AddField(
            model_name='chunk',
            name='failures',
            field=models.PositiveSmallIntegerField(db_default=0, default=0, help_text='Looks in a row that ended in an exception.'),
        ),
        migrations.AddField(
            model_name='chunk',
            name='trouble',
            field=models.TextField(blank=True, db_default='', help_text='Why it is quarantined, in a sentence.'),
        ),
        migrations.AlterField(
            model_name='chunk',
            name='status',
            field=models.CharField(choices=[('open', 'Open'), ('done', 'Done'), ('closed', 'Closed'), ('quarantined', 'Quarantined'), ('frozen', 'Frozen')], default='open', max_length=20),
        ),
        migrations.AlterField(
            model_name='incident',
            name='kind',
            field=models.CharField(choices=[('bind_refused', 'Bind refused'), ('link_lost', 'Link lost'), ('connect_failed', 'Cannot connect'), ('response_timeout', 'No response in time'), ('throttled', 'Throttled by the carrier'), ('queue_full', "Carrier's queue full"), ('refused', 'Refused by the carrier for a reason of ours'), ('protocol', 'Protocol error'), ('storage', 'Object storage'), ('database', 'Database'), ('redis', 'Redis'), ('seal_broken', 'Content differs from what was approved'), ('chunk_damaged', 'Chunk damaged'), ('chunk_failed', 'Chunk cannot be worked on'), ('restored', 'The database has forgotten what was sent'), ('unbalanced', 'The equation does not hold')], max_length=30),
        ),
        migrations.AddConstraint(
            model_name='chunk',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['open', 'done', 'closed', 'quarantined', 'frozen'])), name='chunk_known_status'),
        ),
        migrations.AddConstraint(
            model_name='incident',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['bind_refused', 'link_lost', 'connect_failed', 'response_timeout', 'throttled', 'queue_full', 'refused', 'protocol', 'storage', 'database', 'redis', 'seal_broken', 'chunk_damaged', 'chunk_failed', 'restored', 'unbalanced'])), name='incident_known_kind'),
        ),
    ]
