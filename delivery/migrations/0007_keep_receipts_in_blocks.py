"""The inbox holds many PDUs to a row, compressed; receipts that wait for their message have rows of their own."""

from django.db import migrations, models

from audit.triggers import append_only

TABLE = """
CREATE TABLE delivery_inbox (
    day date NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    channel_id bigint NOT NULL,
    received_at timestamptz NOT NULL,
    pdus integer NOT NULL,
    raw bytea NOT NULL,
    PRIMARY KEY (day, id)
) PARTITION BY RANGE (day);
CREATE INDEX inbox_by_time ON delivery_inbox (received_at);

DO $$ BEGIN
    IF (SELECT 'lz4' = ANY (enumvals) FROM pg_settings WHERE name = 'default_toast_compression') THEN
        ALTER TABLE delivery_inbox ALTER COLUMN raw SET COMPRESSION lz4;
    END IF;
END $$;

CREATE OR REPLACE FUNCTION prepare_partitions(from_day date, months integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    begins date;
    name text;
BEGIN
    PERFORM pg_advisory_xact_lock(19779, 1);
    FOR i IN 0 .. months LOOP
        begins := (date_trunc('month', from_day) + make_interval(months => i))::date;
        FOREACH name IN ARRAY
            ARRAY['delivery_message', 'delivery_carrierid', 'delivery_receipt', 'delivery_inbox']
        LOOP
            EXECUTE format(
                'CREATE TABLE IF NOT EXISTS %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)%s',
                name || to_char(begins, '_YYYY_MM'), name, begins, (begins + interval '1 month')::date,
                CASE name WHEN 'delivery_message' THEN ' WITH (fillfactor = 45)' ELSE '' END
            );
        END LOOP;
    END LOOP;
END $$;
SELECT prepare_partitions(CURRENT_DATE - 31, 4);

-- The receipts of a whole page come in one transaction: only with room for each row's next version are they HOT.
DO $$ DECLARE one regclass; BEGIN
    FOR one IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'delivery_message'::regclass LOOP
        EXECUTE format('ALTER TABLE %s SET (fillfactor = 45)', one);
    END LOOP;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("delivery", "0006_find_waiting_bells")]
    operations = [
        migrations.RunSQL(TABLE, "DROP TABLE delivery_inbox"),
        append_only("delivery_inbox"),
        migrations.CreateModel(
            name="Inbox",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "day", "id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("day", models.DateField(help_text="Of the arrival.")),
                ("id", models.BigIntegerField()),
                ("received_at", models.DateTimeField()),
                ("pdus", models.IntegerField()),
                ("raw", models.BinaryField()),
            ],
            options={"db_table": "delivery_inbox", "managed": False},
        ),
    ]
