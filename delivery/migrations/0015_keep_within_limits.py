"""Limits of a workspace, where the intent is written: what is counted, how much fits, and which numbers may be called.

The functions are of this app; dispatch asks them (`delivery.spending`, `delivery.intents`).
"""

from django.db import migrations

SPENT = """
-- Of the day, and of the month, that it is in the workspace's time zone. VOLATILE: what was committed by now counts.
CREATE FUNCTION spent_parts(of_workspace bigint, now timestamptz, OUT of_day bigint, OUT of_month bigint)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    today date;
BEGIN
    SELECT (now AT TIME ZONE w.time_zone)::date INTO today FROM accounts_workspace w WHERE w.id = of_workspace;
    SELECT coalesce(sum(parts) FILTER (WHERE day = today), 0), coalesce(sum(parts), 0) INTO of_day, of_month
    FROM delivery_spending
    WHERE workspace_id = of_workspace
      AND day >= date_trunc('month', today) AND day < date_trunc('month', today) + interval '1 month';
END $$;
"""
# The row of the workspace is the lock: who waits for it reads what the one before has counted, and the limits of now.
SPEND = """
CREATE FUNCTION spend_parts(
    of_workspace bigint, costs integer[], now timestamptz, OUT fitting integer, OUT day_limit bigint, OUT month_limit bigint
) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    workspace accounts_workspace;
    used record;
    room bigint;
    total bigint;
BEGIN
    SELECT * INTO workspace FROM accounts_workspace WHERE id = of_workspace FOR NO KEY UPDATE;
    SELECT * INTO used FROM spent_parts(of_workspace, now);
    room := least(workspace.parts_per_day - used.of_day, workspace.parts_per_month - used.of_month);
    SELECT count(*), coalesce(max(running), 0) INTO fitting, total
    FROM (SELECT sum(cost) OVER (ORDER BY n) AS running FROM unnest(costs) WITH ORDINALITY AS given (cost, n)) summed
    WHERE room IS NULL OR running <= room;
    IF fitting < cardinality(costs) THEN
        IF workspace.parts_per_day - used.of_day = room THEN
            day_limit := workspace.parts_per_day;
        ELSE
            month_limit := workspace.parts_per_month;
        END IF;
    END IF;
    IF total > 0 THEN
        INSERT INTO delivery_spending AS s (workspace_id, day, parts)
        VALUES (of_workspace, (now AT TIME ZONE workspace.time_zone)::date, total)
        ON CONFLICT (workspace_id, day) DO UPDATE SET parts = s.parts + EXCLUDED.parts;
    END IF;
END $$;
"""
RETURNED = """
CREATE FUNCTION return_parts(of_workspace bigint, returned bigint, spent_at timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    UPDATE delivery_spending s SET parts = greatest(0, s.parts - returned)
    FROM accounts_workspace w
    WHERE w.id = of_workspace AND s.workspace_id = w.id AND s.day = (spent_at AT TIME ZONE w.time_zone)::date;
END $$;
"""
BARRED = """
CREATE FUNCTION barred_among(destinations varchar[], phones bigint[]) RETURNS bigint[]
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN destinations IS NULL THEN '{}'::bigint[] ELSE ARRAY(
        SELECT given.phone FROM unnest(phones) AS given (phone)
        WHERE NOT EXISTS (
            SELECT FROM unnest(destinations) AS allowed (prefix) WHERE starts_with(given.phone::text, allowed.prefix)
        )
    ) END
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("delivery", "0014_count_what_is_spent"), ("accounts", "0005_limit_workspaces")]
    operations = [
        migrations.RunSQL(SPENT, "DROP FUNCTION spent_parts(bigint, timestamptz)"),
        migrations.RunSQL(SPEND, "DROP FUNCTION spend_parts(bigint, integer[], timestamptz)"),
        migrations.RunSQL(RETURNED, "DROP FUNCTION return_parts(bigint, bigint, timestamptz)"),
        migrations.RunSQL(BARRED, "DROP FUNCTION barred_among(varchar[], bigint[])"),
    ]
