"""What phones send us, kept as it came."""

import django.db.models.deletion
from django.db import migrations, models

from audit.triggers import append_only


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_remember_idempotent_calls"),
        ("audit", "0002_refuse_changes"),
        ("channels", "0002_protect_history"),
        ("delivery", "0010_halt_everything"),
    ]
    operations = [
        migrations.CreateModel(
            name='Inbound',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('mo', 'From a phone')], default='mo', max_length=10)),
                ('received_at', models.DateTimeField()),
                ('phone', models.BigIntegerField(blank=True, help_text='Of the sender, if it is a phone number.', null=True)),
                ('to_address', models.CharField(blank=True, max_length=65, verbose_name='to')),
                ('text', models.TextField(blank=True)),
                ('data_coding', models.PositiveSmallIntegerField()),
                ('keyword', models.CharField(blank=True, help_text='The stop word that it was taken for.', max_length=80)),
                ('raw', models.BinaryField(help_text='The body of the deliver_sm.')),
            ],
            options={
                'verbose_name': 'inbound message',
            },
        ),
        migrations.AddField(
            model_name='inbound',
            name='channel',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='channels.channel'),
        ),
        migrations.AddField(
            model_name='inbound',
            name='workspace',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.workspace'),
        ),
        migrations.AddIndex(
            model_name='inbound',
            index=models.Index(fields=['workspace', '-id'], name='inbound_by_workspace'),
        ),
        migrations.AddConstraint(
            model_name='inbound',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['mo'])), name='inbound_known_kind'),
        ),
        append_only("delivery_inbound"),
    ]
