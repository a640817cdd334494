"""The one way in which an entry leaves the table: by a function of its owner, for a segment of which the chain knows."""

from django.db import migrations

from audit.triggers import append_only

# The owner alone, and only what a segment has. A row that nobody removes is refused as before.
GUARD = """
CREATE FUNCTION refuse_unless_sealed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE'
        AND EXISTS (SELECT FROM pg_class WHERE oid = TG_RELID AND relowner = current_user::regrole)
        AND EXISTS (SELECT FROM audit_segment WHERE chain = OLD.chain AND OLD.seq BETWEEN first_seq AND last_seq)
    THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE OR REPLACE TRIGGER audit_entry_append_only BEFORE UPDATE OR DELETE ON audit_entry
    FOR EACH ROW EXECUTE FUNCTION refuse_unless_sealed();
"""
BACK = """
CREATE OR REPLACE TRIGGER audit_entry_append_only BEFORE UPDATE OR DELETE ON audit_entry
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
DROP FUNCTION refuse_unless_sealed();
"""
# What it is asked for is held against the table: whoever may write a row about a segment may not make this a DELETE.
REMOVE = """
CREATE FUNCTION remove_sealed(segment bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    sealed audit_segment;
    there bigint;
    removed bigint;
BEGIN
    SELECT * INTO sealed FROM audit_segment WHERE id = segment;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no segment %', segment USING ERRCODE = 'insufficient_privilege';
    END IF;
    SELECT count(*) INTO there FROM audit_entry
    WHERE chain = sealed.chain AND seq BETWEEN sealed.first_seq AND sealed.last_seq;
    IF there = 0 THEN
        RETURN 0;
    END IF;
    IF there <> sealed.last_seq - sealed.first_seq + 1
        OR NOT EXISTS (SELECT FROM audit_entry
            WHERE chain = sealed.chain AND seq = sealed.first_seq AND previous_hash = sealed.previous_hash)
        OR NOT EXISTS (SELECT FROM audit_entry
            WHERE chain = sealed.chain AND seq = sealed.last_seq AND hash = sealed.last_hash)
    THEN
        RAISE EXCEPTION 'segment % is not what the table has', segment USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF EXISTS (SELECT FROM audit_entry WHERE chain = sealed.chain AND seq < sealed.first_seq) THEN
        RAISE EXCEPTION 'segment % is not the oldest', segment USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NOT EXISTS (SELECT FROM audit_entry
        WHERE chain = sealed.chain AND seq > sealed.last_seq AND action = 'ledger.sealed'
          AND subject_type = 'segment' AND subject_id = segment::text AND after ->> 'sha256' = sealed.sha256)
    THEN
        RAISE EXCEPTION 'segment % is not in the ledger', segment USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF EXISTS (SELECT FROM audit_entry
        WHERE chain = sealed.chain AND seq BETWEEN sealed.first_seq AND sealed.last_seq
          AND at > now() - interval '30 days')
    THEN
        RAISE EXCEPTION 'segment % is too young', segment USING ERRCODE = 'insufficient_privilege';
    END IF;
    DELETE FROM audit_entry WHERE chain = sealed.chain AND seq BETWEEN sealed.first_seq AND sealed.last_seq;
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END $$;
REVOKE EXECUTE ON FUNCTION remove_sealed(bigint) FROM PUBLIC;
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0008_keep_segments")]
    operations = [
        append_only("audit_segment"),
        migrations.RunSQL(GUARD, BACK),
        migrations.RunSQL(REMOVE, "DROP FUNCTION remove_sealed(bigint)"),
    ]
