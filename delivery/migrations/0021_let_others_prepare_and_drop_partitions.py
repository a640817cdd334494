"""The processes own no table: partitions are made and dropped for them by functions that run as their owner."""

from django.db import migrations

FORWARD = """
ALTER FUNCTION prepare_partitions(date, integer) SECURITY DEFINER SET search_path = public, pg_temp;
REVOKE EXECUTE ON FUNCTION prepare_partitions(date, integer) FROM PUBLIC;

CREATE FUNCTION drop_partition(name text) RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM FROM pg_inherits
    WHERE inhrelid = to_regclass(quote_ident(name)) AND inhparent = ANY (ARRAY[
        'delivery_message', 'delivery_carrierid', 'delivery_receipt', 'delivery_inbox']::regclass[]);
    IF NOT FOUND THEN
        RAISE EXCEPTION '% is no partition', name USING ERRCODE = 'undefined_table';
    END IF;
    -- Months that go on hold what is being sent, whatever the settings say of how long it is kept.
    IF to_date(right(name, 7), 'YYYY_MM') + interval '1 month' > CURRENT_DATE THEN
        RAISE EXCEPTION '% is not over', name USING ERRCODE = 'insufficient_privilege';
    END IF;
    EXECUTE format('DROP TABLE %I', name);
END $$;
REVOKE EXECUTE ON FUNCTION drop_partition(text) FROM PUBLIC;
"""
BACK = """
DROP FUNCTION drop_partition(text);
ALTER FUNCTION prepare_partitions(date, integer) SECURITY INVOKER RESET search_path;
GRANT EXECUTE ON FUNCTION prepare_partitions(date, integer) TO PUBLIC;
"""


class Migration(migrations.Migration):
    dependencies = [("delivery", "0020_forget_inbound")]
    operations = [migrations.RunSQL(FORWARD, BACK)]
