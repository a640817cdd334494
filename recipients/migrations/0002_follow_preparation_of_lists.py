from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('recipients', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='recipientlist',
            name='attempts',
            field=models.PositiveSmallIntegerField(db_default=0, default=0, help_text='At preparing this file.'),
        ),
        migrations.AddField(
            model_name='recipientlist',
            name='began_at',
            field=models.DateTimeField(blank=True, help_text='The last try at preparing it.', null=True),
        ),
        migrations.AddField(
            model_name='recipientlist',
            name='rows_done',
            field=models.BigIntegerField(db_default=0, default=0, help_text='In this stage.'),
        ),
        migrations.AddField(
            model_name='recipientlist',
            name='stage',
            field=models.CharField(blank=True, choices=[('reading', 'Reading the file'), ('sorting', 'Sorting out duplicates'), ('writing', 'Writing the recipients')], db_default='', default='', max_length=20),
        ),
        migrations.AddField(
            model_name='recipientlist',
            name='stage_began_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
