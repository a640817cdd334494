"""Decisions are written once, by somebody who may, and nothing is approved or sent without one: also from SQL."""

from django.db import migrations

from audit.triggers import append_only

GUARD_DECISION = """
CREATE FUNCTION guard_decision() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    judged campaigns_campaign;
    wanted boolean;
BEGIN
    SELECT * INTO judged FROM campaigns_campaign WHERE id = NEW.campaign_id;
    SELECT four_eyes INTO wanted FROM accounts_workspace WHERE id = judged.workspace_id;
    IF NEW.round <> judged.round OR judged.status NOT IN ('in_review', 'missed') THEN
        RAISE EXCEPTION 'campaign % is not up for a decision', judged.id USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.four_eyes <> wanted THEN
        RAISE EXCEPTION 'a decision notes the four-eyes rule of its workspace' USING ERRCODE = 'check_violation';
    END IF;
    IF wanted AND NEW.by_id IN (judged.created_by_id, judged.edited_by_id) THEN
        RAISE EXCEPTION 'four eyes: user % wrote campaign %', NEW.by_id, judged.id USING ERRCODE = 'check_violation';
    END IF;
    IF NOT EXISTS (
        SELECT FROM accounts_membership
        WHERE workspace_id = judged.workspace_id AND user_id = NEW.by_id AND (role IN ('moderator', 'admin') OR is_moderator)
    ) AND NOT EXISTS (SELECT FROM accounts_user WHERE id = NEW.by_id AND is_superuser) THEN
        RAISE EXCEPTION 'user % is not a moderator of workspace %', NEW.by_id, judged.workspace_id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER decision_guard BEFORE INSERT ON moderation_decision
    FOR EACH ROW EXECUTE FUNCTION guard_decision();
"""

GUARD_APPROVAL = """
CREATE FUNCTION guard_approval() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM moderation_decision d
        WHERE d.campaign_id = NEW.id AND d.round = NEW.round AND d.seal = NEW.seal AND d.verdict <> 'rejected'
          AND (NOT d.four_eyes OR d.by_id NOT IN (NEW.created_by_id, NEW.edited_by_id))
    ) THEN
        RAISE EXCEPTION 'campaign % has no approval of this content', NEW.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER campaign_needs_approval BEFORE UPDATE ON campaigns_campaign
    FOR EACH ROW WHEN (NEW.status IN ('approved', 'sending')) EXECUTE FUNCTION guard_approval();
"""


class Migration(migrations.Migration):
    dependencies = [("moderation", "0001_initial"), ("campaigns", "0003_guard_content_and_moves")]
    operations = [
        append_only("moderation_decision"),
        migrations.RunSQL(
            GUARD_DECISION, "DROP TRIGGER decision_guard ON moderation_decision; DROP FUNCTION guard_decision()"
        ),
        migrations.RunSQL(
            GUARD_APPROVAL, "DROP TRIGGER campaign_needs_approval ON campaigns_campaign; DROP FUNCTION guard_approval()"
        ),
    ]
