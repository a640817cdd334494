"""The one way in which a number goes from what is appended to: by functions of the tables' owner, and nothing else with it."""

from django.db import migrations

# The digits of the number, as octets and as UCS-2, become zeros: every length in a PDU stays true.
WITHOUT = r"""
CREATE FUNCTION without_number(raw bytea, phone bigint) RETURNS bytea LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    plain bytea := convert_to(phone::text, 'UTF8');
    wide bytea := decode(regexp_replace(encode(plain, 'hex'), '(..)', '00\1', 'g'), 'hex');
    at integer;
BEGIN
    LOOP
        at := position(plain IN raw);
        EXIT WHEN at = 0;
        raw := overlay(raw PLACING convert_to(repeat('0', length(plain)), 'UTF8') FROM at);
    END LOOP;
    LOOP
        at := position(wide IN raw);
        EXIT WHEN at = 0;
        raw := overlay(raw PLACING decode(repeat('0030', length(plain)), 'hex') FROM at);
    END LOOP;
    RETURN raw;
END $$;
"""
# Looked for first, without any lock; the switch of the trigger is held for a handful of rows, and within one transaction:
# nobody else ever sees the table without it. A partition is asked for by name, and only one of the inbox is taken.
INBOX = """
CREATE FUNCTION erase_from_inbox(part text, phone bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    found bigint[];
    erased bigint := 0;
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_inherits WHERE inhparent = 'delivery_inbox'::regclass AND inhrelid = to_regclass(part)
    ) THEN
        RAISE EXCEPTION '% is no partition of delivery_inbox', part USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF phone < 1000000 THEN
        RAISE EXCEPTION '% is no phone number', phone USING ERRCODE = 'insufficient_privilege';
    END IF;
    EXECUTE format('SELECT array_agg(id) FROM %I WHERE without_number(raw, $1) <> raw', part) INTO found USING phone;
    IF found IS NOT NULL THEN
        EXECUTE format('ALTER TABLE %I DISABLE TRIGGER delivery_inbox_append_only', part);
        EXECUTE format('UPDATE %I SET raw = without_number(raw, $1) WHERE id = ANY ($2)', part) USING phone, found;
        GET DIAGNOSTICS erased = ROW_COUNT;
        EXECUTE format('ALTER TABLE %I ENABLE TRIGGER delivery_inbox_append_only', part);
    END IF;
    RETURN erased;
END $$;
"""
INBOUND = """
CREATE FUNCTION erase_inbound(of_workspace bigint, number bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    found bigint[];
    erased bigint := 0;
BEGIN
    IF number < 1000000 THEN
        RAISE EXCEPTION '% is no phone number', number USING ERRCODE = 'insufficient_privilege';
    END IF;
    SELECT array_agg(id) INTO found FROM delivery_inbound
    WHERE (workspace_id = of_workspace OR workspace_id IS NULL)
      AND (phone = number OR position(number::text IN text) > 0 OR without_number(raw, number) <> raw);
    IF found IS NOT NULL THEN
        ALTER TABLE delivery_inbound DISABLE TRIGGER delivery_inbound_append_only;
        DELETE FROM delivery_inbound WHERE id = ANY (found) AND phone = number;
        UPDATE delivery_inbound
        SET text = replace(text, number::text, repeat('0', length(number::text))), raw = without_number(raw, number)
        WHERE id = ANY (found);
        ALTER TABLE delivery_inbound ENABLE TRIGGER delivery_inbound_append_only;
        erased := cardinality(found);
    END IF;
    RETURN erased;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("delivery", "0022_wall_off_workspaces")]
    operations = [
        migrations.RunSQL(WITHOUT, "DROP FUNCTION without_number(bytea, bigint)"),
        migrations.RunSQL(INBOX, "DROP FUNCTION erase_from_inbox(text, bigint)"),
        migrations.RunSQL(INBOUND, "DROP FUNCTION erase_inbound(bigint, bigint)"),
    ]
