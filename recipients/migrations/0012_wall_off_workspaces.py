"""What belongs to a workspace is not there for another one, whatever a query forgets."""

from django.db import migrations

from audit.policies import of_workspace


class Migration(migrations.Migration):
    dependencies = [("recipients", "0011_guard_test_phones")]
    operations = [of_workspace("recipients_recipientlist", "recipients_stopwords", "recipients_trialphone"), of_workspace("recipients_suppression", "recipients_suppressioncount", "recipients_suppressionimport", is_shared=True)]
