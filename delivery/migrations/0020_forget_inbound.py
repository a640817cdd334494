"""The one way in which messages from phones go: by their age, whole, and by a function of the tables' owner."""

from django.db import migrations

# Whoever is not the owner can switch no trigger off; the function is its owner's, and takes nothing younger than a day.
# The switch and the deletion are one transaction: nobody else ever sees the table without its trigger.
FUNCTION = """
CREATE FUNCTION forget_inbound(of_workspace bigint, before timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE forgotten bigint := 0;
BEGIN
    IF before > now() - interval '1 day' THEN
        RAISE EXCEPTION 'delivery_inbound: messages of the last day are kept' USING ERRCODE = 'insufficient_privilege';
    END IF;
    -- The lock that switching a trigger takes waits for writers: only where there is something to do.
    PERFORM 1 FROM delivery_inbound
    WHERE workspace_id IS NOT DISTINCT FROM of_workspace AND received_at < before LIMIT 1;
    IF FOUND THEN
        ALTER TABLE delivery_inbound DISABLE TRIGGER delivery_inbound_append_only;
        DELETE FROM delivery_inbound
        WHERE workspace_id IS NOT DISTINCT FROM of_workspace AND received_at < before;
        GET DIAGNOSTICS forgotten = ROW_COUNT;
        ALTER TABLE delivery_inbound ENABLE TRIGGER delivery_inbound_append_only;
    END IF;
    RETURN forgotten;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("delivery", "0019_forget_details")]
    operations = [migrations.RunSQL(FUNCTION, "DROP FUNCTION forget_inbound(bigint, timestamptz)")]
