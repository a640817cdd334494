"""A revision is what was submitted, for ever, and is decided once, by somebody who may: also from SQL."""

from django.db import migrations

FUNCTION = """
CREATE FUNCTION guard_revision() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    place bigint;
    wanted boolean;
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> 'pending' OR NEW.decided_by_id IS NOT NULL OR NEW.decided_at IS NOT NULL THEN
            RAISE EXCEPTION 'a revision begins without a decision' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF ROW(NEW.sender_id, NEW.number, NEW.saddr, NEW.ton, NEW.npi, NEW.reason, NEW.evidence, NEW.submitted_by_id,
           NEW.submitted_at)
            IS DISTINCT FROM ROW(OLD.sender_id, OLD.number, OLD.saddr, OLD.ton, OLD.npi, OLD.reason, OLD.evidence,
                                 OLD.submitted_by_id, OLD.submitted_at) THEN
        RAISE EXCEPTION 'revision %: its content is immutable', OLD.id USING ERRCODE = 'check_violation';
    END IF;
    IF ROW(NEW.status, NEW.decided_by_id, NEW.decided_at, NEW.decision_reason)
            IS NOT DISTINCT FROM ROW(OLD.status, OLD.decided_by_id, OLD.decided_at, OLD.decision_reason) THEN
        RETURN NEW;
    END IF;
    IF OLD.status <> 'pending' OR NEW.status = 'pending' THEN
        RAISE EXCEPTION 'revision % is decided once', OLD.id USING ERRCODE = 'check_violation';
    END IF;
    SELECT w.id, w.four_eyes INTO place, wanted
    FROM senders_sender s JOIN accounts_workspace w ON w.id = s.workspace_id WHERE s.id = OLD.sender_id;
    IF wanted AND NEW.decided_by_id = OLD.submitted_by_id THEN
        RAISE EXCEPTION 'four eyes: user % submitted revision %', NEW.decided_by_id, OLD.id
            USING ERRCODE = 'check_violation';
    END IF;
    IF NOT EXISTS (
        SELECT FROM accounts_membership
        WHERE workspace_id = place AND user_id = NEW.decided_by_id AND (role IN ('moderator', 'admin') OR is_moderator)
    ) AND NOT EXISTS (SELECT FROM accounts_user WHERE id = NEW.decided_by_id AND is_superuser) THEN
        RAISE EXCEPTION 'user % is not a moderator of workspace %', NEW.decided_by_id, place
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER revision_guard BEFORE INSERT OR UPDATE ON senders_revision
    FOR EACH ROW EXECUTE FUNCTION guard_revision();
"""


class Migration(migrations.Migration):
    dependencies = [("senders", "0002_protect_history"), ("accounts", "0001_initial")]
    operations = [
        migrations.RunSQL(FUNCTION, "DROP TRIGGER revision_guard ON senders_revision; DROP FUNCTION guard_revision()")
    ]
