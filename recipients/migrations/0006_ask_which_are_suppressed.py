"""Which of these numbers are suppressed: asked by dispatch in the statement that writes its intent."""

from django.db import migrations

# One probe of an index for each number, and none for a list that is empty. VOLATILE, so that it sees what is committed
# by now, also when the statement around it had to wait. Plans of a function are kept: one made while the table was
# small must not read the whole of it for each number after an import.
FUNCTION = """
CREATE FUNCTION suppressed_among(of_workspace bigint, phones bigint[]) RETURNS bigint[]
LANGUAGE plpgsql VOLATILE SET enable_seqscan = off AS $$
DECLARE
    found bigint[] := '{}';
BEGIN
    IF EXISTS (SELECT FROM recipients_suppression WHERE workspace_id = of_workspace) THEN
        found := ARRAY(
            SELECT given.phone FROM unnest(phones) AS given (phone)
            CROSS JOIN LATERAL (
                SELECT FROM recipients_suppression s
                WHERE s.workspace_id = of_workspace AND s.phone = given.phone LIMIT 1
            ) suppressed
        );
    END IF;
    IF EXISTS (SELECT FROM recipients_suppression WHERE workspace_id IS NULL) THEN
        found := found || ARRAY(
            SELECT given.phone FROM unnest(phones) AS given (phone)
            CROSS JOIN LATERAL (
                SELECT FROM recipients_suppression s
                WHERE s.workspace_id IS NULL AND s.phone = given.phone LIMIT 1
            ) suppressed
        );
    END IF;
    RETURN found;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("recipients", "0005_suppress_numbers")]
    operations = [migrations.RunSQL(FUNCTION, "DROP FUNCTION suppressed_among(bigint, bigint[])")]
