"""When a receipt that matches nothing is looked at next: each look at the inbox reads those that are due, not all."""

from django.db import migrations

LATER = """
ALTER TABLE delivery_receipt ADD COLUMN next_try_at timestamptz NOT NULL DEFAULT now();
CREATE INDEX receipt_to_try ON delivery_receipt (next_try_at, id) WHERE applied_at IS NULL AND is_receipt;
DROP INDEX receipt_unapplied;
"""
AT_EACH_LOOK = """
CREATE INDEX receipt_unapplied ON delivery_receipt (received_at, id) WHERE applied_at IS NULL AND is_receipt;
DROP INDEX receipt_to_try;
ALTER TABLE delivery_receipt DROP COLUMN next_try_at;
"""


class Migration(migrations.Migration):
    dependencies = [("delivery", "0004_know_suppressed_messages")]
    operations = [migrations.RunSQL(LATER, AT_EACH_LOOK)]
