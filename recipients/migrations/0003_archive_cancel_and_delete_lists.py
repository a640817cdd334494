from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('recipients', '0002_follow_preparation_of_lists'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='recipientlist',
            name='list_known_status',
        ),
        migrations.AddField(
            model_name='recipientlist',
            name='archived_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name='recipientlist',
            name='status',
            field=models.CharField(choices=[('uploading', 'Uploading'), ('preparing', 'Preparing'), ('ready', 'Ready'), ('failed', 'Failed'), ('cancelled', 'Cancelled'), ('deleted', 'Deleted')], default='uploading', max_length=20),
        ),
        migrations.AddConstraint(
            model_name='recipientlist',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['uploading', 'preparing', 'ready', 'failed', 'cancelled', 'deleted'])), name='list_known_status'),
        ),
    ]
