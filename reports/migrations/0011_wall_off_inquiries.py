"""Inquiries are seen and written by their workspace only."""

from django.db import migrations

from audit.policies import of_workspace


class Migration(migrations.Migration):
    dependencies = [("reports", "0010_answer_inquiries")]
    operations = [of_workspace("reports_inquiry")]
