from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('recipients', '0003_archive_cancel_and_delete_lists'),
    ]

    operations = [
        migrations.AddField(
            model_name='recipientlist',
            name='breakdown',
            field=models.JSONField(default=dict),
        ),
        migrations.AddField(
            model_name='recipientlist',
            name='columns',
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name='recipientlist',
            name='duplicates_key',
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AddField(
            model_name='recipientlist',
            name='layout',
            field=models.CharField(blank=True, max_length=300),
        ),
    ]
