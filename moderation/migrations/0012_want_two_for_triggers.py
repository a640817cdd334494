"""Nobody knows how many recipients a trigger will have: where two must approve above a number, they must for it."""

from importlib import import_module

from django.db import migrations

BEFORE = import_module("moderation.migrations.0010_hold_approvals_to_their_rules").GUARD_DECISION
GUARD_DECISION = """
CREATE OR REPLACE FUNCTION guard_decision() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    judged campaigns_campaign;
    wanted boolean;
    two boolean;
BEGIN
    SELECT * INTO judged FROM campaigns_campaign WHERE id = NEW.campaign_id;
    SELECT w.four_eyes,
           w.second_approver_above IS NOT NULL
           AND (judged.mode = 'trigger' OR coalesce(l.accepted > w.second_approver_above, false))
    INTO wanted, two
    FROM accounts_workspace w LEFT JOIN recipients_recipientlist l ON l.id = judged.list_id
    WHERE w.id = judged.workspace_id;
    IF NEW.round <> judged.round OR judged.status NOT IN ('in_review', 'missed') THEN
        RAISE EXCEPTION 'campaign % is not up for a decision', judged.id USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.four_eyes <> wanted THEN
        RAISE EXCEPTION 'a decision notes the four-eyes rule of its workspace' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.wants_two <> two THEN
        RAISE EXCEPTION 'a decision notes whether its campaign needs two moderators' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.verdict <> 'rejected' AND NEW.content->>'v' IS DISTINCT FROM judged.content_version::text THEN
        RAISE EXCEPTION 'the content of campaign % has version %', judged.id, judged.content_version
            USING ERRCODE = 'check_violation';
    END IF;
    NEW.is_self_review := NEW.by_id IN (judged.created_by_id, judged.edited_by_id);
    IF (wanted OR two) AND NEW.is_self_review THEN
        RAISE EXCEPTION 'four eyes: user % wrote campaign %', NEW.by_id, judged.id USING ERRCODE = 'check_violation';
    END IF;
    IF NOT may_decide(NEW.by_id, judged.workspace_id) THEN
        RAISE EXCEPTION 'user % is not a moderator of workspace %', NEW.by_id, judged.workspace_id
            USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.verdict = 'voted' AND NOT two THEN
        RAISE EXCEPTION 'campaign % needs one moderator', judged.id USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.verdict NOT IN ('rejected', 'voted') AND two AND NOT EXISTS (
        SELECT FROM approvers(judged, NEW.content, NEW.at) AS other WHERE other <> NEW.by_id
    ) THEN
        RAISE EXCEPTION 'campaign % needs the approval of two moderators', judged.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("moderation", "0011_wall_off_workspaces"),
        ("campaigns", "0015_add_triggers"),
    ]
    operations = [migrations.RunSQL(GUARD_DECISION, BEFORE)]
