"""Whom a test send went to is not changed, unless its number is erased: then it is nobody, one for each place."""

from django.db import migrations

FUNCTION = """
CREATE OR REPLACE FUNCTION keep_trial_number() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.at < clock_timestamp() - interval '2 days' THEN
        RETURN OLD;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        OLD.phone := -1 - OLD.place;
        IF NEW IS NOT DISTINCT FROM OLD THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'whom a test send went to is not changed' USING ERRCODE = 'check_violation';
END $$;
"""
BEFORE = """
CREATE OR REPLACE FUNCTION keep_trial_number() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.at < clock_timestamp() - interval '2 days' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'whom a test send went to is not changed' USING ERRCODE = 'check_violation';
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0013_wall_off_texts")]
    operations = [migrations.RunSQL(FUNCTION, BEFORE)]
