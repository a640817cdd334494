"""What was tallied as failed until now gets its reasons from the messages that are kept. Run again, it adds nothing."""

from django.db import migrations

_EXPLAIN = """
WITH counted AS (
    SELECT m.campaign_id, m.error_kind, m.error_code, count(*)::int AS n
    FROM delivery_message m
    WHERE m.state = 6 AND EXISTS (
        SELECT FROM delivery_tally t WHERE t.campaign_id = m.campaign_id AND t.state = 6 AND t.error_kind = 0
        GROUP BY t.campaign_id HAVING sum(t.n) > 0
    )
    GROUP BY 1, 2, 3
)
INSERT INTO delivery_tally (campaign_id, state, error_kind, error_code, n, at)
SELECT campaign_id, 6, error_kind, error_code, n, NULL::timestamptz FROM counted
UNION ALL
SELECT campaign_id, 6, 0, NULL::int, -sum(n)::int, NULL::timestamptz FROM counted GROUP BY 1
"""


class Migration(migrations.Migration):
    dependencies = [("delivery", "0016_know_why_messages_failed")]
    operations = [migrations.RunSQL(_EXPLAIN, migrations.RunSQL.noop)]
