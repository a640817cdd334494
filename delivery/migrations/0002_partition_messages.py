"""Messages, carrier ids and receipts: partitioned by month, written by COPY, without foreign keys on the hot path."""

from django.db import migrations

from audit.triggers import append_only

TABLES = """
CREATE TABLE delivery_message (
    day date NOT NULL,
    campaign_id bigint NOT NULL,
    recipient integer NOT NULL,
    phone bigint NOT NULL,
    state smallint NOT NULL,
    attempts smallint NOT NULL DEFAULT 1,
    parts smallint NOT NULL DEFAULT 1,
    accepted_mask integer NOT NULL DEFAULT 0,
    delivered_mask integer NOT NULL DEFAULT 0,
    failed_mask integer NOT NULL DEFAULT 0,
    error_kind smallint NOT NULL DEFAULT 0,
    error_code integer,
    submitted_at timestamptz,
    done_at timestamptz,
    retry_at timestamptz,
    CONSTRAINT message_once_per_recipient PRIMARY KEY (day, campaign_id, recipient),
    CONSTRAINT message_known_state CHECK (state BETWEEN 1 AND 9)
) PARTITION BY RANGE (day);

CREATE TABLE delivery_carrierid (
    day date NOT NULL,
    channel_id bigint NOT NULL,
    message_id text NOT NULL,
    campaign_id bigint NOT NULL,
    recipient integer NOT NULL,
    part smallint NOT NULL,
    phone bigint NOT NULL
) PARTITION BY RANGE (day);
CREATE INDEX carrierid_by_id ON delivery_carrierid (channel_id, message_id);

CREATE TABLE delivery_receipt (
    day date NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    channel_id bigint NOT NULL,
    received_at timestamptz NOT NULL,
    is_receipt boolean NOT NULL,
    message_id text NOT NULL DEFAULT '',
    phone bigint,
    state smallint,
    error_code integer,
    message_day date,
    campaign_id bigint,
    recipient integer,
    part smallint,
    applied_at timestamptz,
    raw bytea NOT NULL,
    PRIMARY KEY (day, id)
) PARTITION BY RANGE (day);
CREATE INDEX receipt_unapplied ON delivery_receipt (received_at, id) WHERE applied_at IS NULL AND is_receipt;
"""

# fillfactor 70: a receipt updates the row in place (HOT), as nothing it changes is indexed.
PARTITIONS = """
CREATE FUNCTION prepare_partitions(from_day date, months integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    begins date;
    name text;
BEGIN
    PERFORM pg_advisory_xact_lock(19779, 1);
    FOR i IN 0 .. months LOOP
        begins := (date_trunc('month', from_day) + make_interval(months => i))::date;
        FOREACH name IN ARRAY ARRAY['delivery_message', 'delivery_carrierid', 'delivery_receipt'] LOOP
            EXECUTE format(
                'CREATE TABLE IF NOT EXISTS %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)%s',
                name || to_char(begins, '_YYYY_MM'), name, begins, (begins + interval '1 month')::date,
                CASE name WHEN 'delivery_message' THEN ' WITH (fillfactor = 70)' ELSE '' END
            );
        END LOOP;
    END LOOP;
END $$;
SELECT prepare_partitions(CURRENT_DATE - 31, 4);
"""

STORAGE = """
ALTER TABLE delivery_chunk SET (fillfactor = 50);
"""


class Migration(migrations.Migration):
    dependencies = [("delivery", "0001_initial"), ("audit", "0002_refuse_changes")]
    operations = [
        migrations.RunSQL(TABLES, "DROP TABLE delivery_message, delivery_carrierid, delivery_receipt"),
        migrations.RunSQL(PARTITIONS, "DROP FUNCTION prepare_partitions(date, integer)"),
        migrations.RunSQL(STORAGE, "ALTER TABLE delivery_chunk RESET (fillfactor)"),
        append_only("delivery_intent"),
    ]
