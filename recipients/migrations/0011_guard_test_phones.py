"""Test phones come from admins of the workspace, also by SQL, and dispatch asks for them where it asks who is suppressed."""

from django.db import migrations

GUARD = """
CREATE FUNCTION guard_trial_phone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        RAISE EXCEPTION 'a test phone is added or removed, never changed' USING ERRCODE = 'check_violation';
    END IF;
    IF NOT EXISTS (
        SELECT FROM accounts_membership
        WHERE workspace_id = NEW.workspace_id AND user_id = NEW.added_by_id AND role = 'admin'
    ) AND NOT EXISTS (SELECT FROM accounts_user WHERE id = NEW.added_by_id AND is_superuser) THEN
        RAISE EXCEPTION 'user % is not an admin of workspace %', NEW.added_by_id, NEW.workspace_id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER trial_phone_guard BEFORE INSERT OR UPDATE ON recipients_trialphone
    FOR EACH ROW EXECUTE FUNCTION guard_trial_phone();
"""
# Which of its numbers a test send must not reach: those that are suppressed, and those that are no test phones by now.
# VOLATILE, as suppressed_among is.
WITHHELD = """
CREATE FUNCTION withheld_from_trial(of_workspace bigint, phones bigint[]) RETURNS bigint[]
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN suppressed_among(of_workspace, phones) || ARRAY(
        SELECT given.phone FROM unnest(phones) AS given (phone)
        WHERE NOT EXISTS (
            SELECT FROM recipients_trialphone t WHERE t.workspace_id = of_workspace AND t.phone = given.phone
        )
    );
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("recipients", "0010_keep_test_phones"), ("accounts", "0001_initial")]
    operations = [
        migrations.RunSQL(
            GUARD, "DROP TRIGGER trial_phone_guard ON recipients_trialphone; DROP FUNCTION guard_trial_phone()"
        ),
        migrations.RunSQL(WITHHELD, "DROP FUNCTION withheld_from_trial(bigint, bigint[])"),
    ]
