"""A test send has moves of its own, and goes to few phones, all of them test phones, not more often than it may.

The function of 0006 with what is different for a test send; the trigger stays. What approves one is in `moderation`.
"""

from importlib import import_module

from django.db import migrations

before = import_module("campaigns.migrations.0006_guard_hours_limits_and_routes")
# Those of `campaigns.statuses.TRIAL_MOVES` at the time of this migration; tests hold the two together.
TRIAL_MOVES = (
    "draft>approved approved>sending approved>missed approved>cancelled approved>failed sending>paused sending>done "
    "sending>expired sending>cancelled sending>failed paused>expired paused>cancelled paused>failed"
)


def _replaced(text: str, old: str, new: str) -> str:
    if text.count(old) != 1:
        raise ValueError(f"The function of 0006 has not one “{old}”.")
    return text.replace(old, new)


FUNCTION = _replaced(
    before.FUNCTION,
    f"ANY (string_to_array('{before.MOVES}', ' '))",
    f"""ANY (string_to_array(
            CASE WHEN NEW.trial_of_id IS NULL THEN '{before.MOVES}' ELSE '{TRIAL_MOVES}' END, ' '))""",
)
FUNCTION = _replaced(
    FUNCTION,
    "IF NEW.seal <> OLD.seal AND NOT (NEW.status = 'approved' AND OLD.status IN ('in_review', 'missed')) THEN",
    """IF NEW.seal <> OLD.seal AND NOT (NEW.status = 'approved' AND OLD.status IN ('in_review', 'missed'))
            AND NOT (NEW.status = 'approved' AND OLD.status = 'draft' AND NEW.trial_of_id IS NOT NULL) THEN""",
)
FUNCTION = _replaced(
    FUNCTION,
    """IF ROW(NEW.workspace_id, NEW.created_by_id, NEW.public_id)
            IS DISTINCT FROM ROW(OLD.workspace_id, OLD.created_by_id, OLD.public_id) THEN
        RAISE EXCEPTION 'campaign %: workspace, author and id never change'""",
    """IF ROW(NEW.workspace_id, NEW.created_by_id, NEW.public_id, NEW.trial_of_id)
            IS DISTINCT FROM ROW(OLD.workspace_id, OLD.created_by_id, OLD.public_id, OLD.trial_of_id) THEN
        RAISE EXCEPTION 'campaign %: workspace, author, id and what it is a test of never change'""",
)

COUNTED = """
-- VOLATILE: what others have committed by now counts, also after a wait for the lock.
CREATE FUNCTION trials_of_a_day(of_workspace bigint) RETURNS integer LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN (
        SELECT count(*) FROM campaigns_trialnumber
        WHERE workspace_id = of_workspace AND at > clock_timestamp() - interval '1 day'
    );
END $$;
-- One at a time in a workspace, until the commit. The first number is that of these locks.
CREATE FUNCTION lock_trials(of_workspace bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(21586, of_workspace::integer);
END $$;
"""
NUMBERS = """
CREATE FUNCTION guard_trial_number() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    trial campaigns_campaign;
BEGIN
    SELECT * INTO trial FROM campaigns_campaign WHERE id = NEW.trial_id;
    IF trial.trial_of_id IS NULL OR trial.status <> 'draft' OR trial.workspace_id <> NEW.workspace_id THEN
        RAISE EXCEPTION 'campaign % is no test send that is being made', NEW.trial_id USING ERRCODE = 'check_violation';
    END IF;
    PERFORM 1 FROM recipients_trialphone WHERE workspace_id = NEW.workspace_id AND phone = NEW.phone FOR KEY SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'test send %: a number of it is no test phone', NEW.trial_id USING ERRCODE = 'check_violation';
    END IF;
    PERFORM lock_trials(NEW.workspace_id);
    IF trials_of_a_day(NEW.workspace_id) >= NEW.most_a_day THEN
        RAISE EXCEPTION 'workspace % has had its test sends of a day', NEW.workspace_id USING ERRCODE = 'check_violation';
    END IF;
    NEW.at := clock_timestamp();
    RETURN NEW;
END $$;
CREATE TRIGGER trial_number_guard BEFORE INSERT ON campaigns_trialnumber
    FOR EACH ROW EXECUTE FUNCTION guard_trial_number();

-- What counts towards a day stays as long as it does.
CREATE FUNCTION keep_trial_number() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.at < clock_timestamp() - interval '2 days' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'whom a test send went to is not changed' USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER trial_number_kept BEFORE UPDATE OR DELETE ON campaigns_trialnumber
    FOR EACH ROW EXECUTE FUNCTION keep_trial_number();
CREATE TRIGGER trial_number_no_truncate BEFORE TRUNCATE ON campaigns_trialnumber
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0008_keep_trials"),
        ("recipients", "0011_guard_test_phones"),
        ("audit", "0001_initial"),
    ]
    operations = [
        migrations.RunSQL(FUNCTION, before.FUNCTION),
        migrations.RunSQL(COUNTED, "DROP FUNCTION trials_of_a_day(bigint); DROP FUNCTION lock_trials(bigint)"),
        migrations.RunSQL(
            NUMBERS,
            """
            DROP TRIGGER trial_number_guard ON campaigns_trialnumber; DROP FUNCTION guard_trial_number();
            DROP TRIGGER trial_number_kept ON campaigns_trialnumber; DROP FUNCTION keep_trial_number();
            DROP TRIGGER trial_number_no_truncate ON campaigns_trialnumber;
            """,
        ),
    ]
