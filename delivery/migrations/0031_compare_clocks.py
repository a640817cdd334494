from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('delivery', '0030_agree_about_rates'),
    ]

    operations = [
        migrations.CreateModel(
            name='HostClock',
            fields=[
                ('host', models.CharField(max_length=255, primary_key=True, serialize=False)),
                ('ahead', models.FloatField(help_text='Seconds; below 0 it is behind.')),
                ('seen_at', models.DateTimeField(help_text='By the clock of the database.')),
            ],
        ),
    ]
