"""What an approval needs, asked by the database: four eyes, two moderators above a size, and that it still stands when
its campaign starts.

The functions of 0004 and 0008 with more questions; the triggers stay. Names and meaning as in `moderation.approvals`.
"""

from importlib import import_module

from django.db import migrations

GUARD_DECISION_BEFORE = import_module("moderation.migrations.0004_judge_content_in_its_version").FUNCTION
GUARD_APPROVAL_BEFORE = import_module("moderation.migrations.0008_approve_test_sends_by_their_phones").FUNCTION

MAY_DECIDE = """
CREATE FUNCTION may_decide(person bigint, workspace bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM accounts_user u
        WHERE u.id = person AND u.is_active AND (u.is_superuser OR EXISTS (
            SELECT FROM accounts_membership m
            WHERE m.workspace_id = workspace AND m.user_id = person
              AND (m.role IN ('moderator', 'admin') OR m.is_moderator)
        ))
    )
$$;
"""
TIMELESS = """
CREATE FUNCTION timeless(content jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT content - ARRAY['send_at', 'date_from', 'date_to', 'not_after']
$$;
"""
APPROVERS = """
CREATE FUNCTION approvers(judged campaigns_campaign, of_content jsonb, by_then timestamptz) RETURNS SETOF bigint
LANGUAGE sql STABLE AS $$
    SELECT DISTINCT d.by_id
    FROM moderation_decision d JOIN accounts_workspace w ON w.id = judged.workspace_id
    WHERE d.campaign_id = judged.id AND d.round = judged.round AND d.verdict <> 'rejected'
      AND d.at > by_then - coalesce(make_interval(days => w.approval_days), '1000 years')
      AND d.by_id NOT IN (judged.created_by_id, judged.edited_by_id)
      AND timeless(d.content) = timeless(of_content)
      AND may_decide(d.by_id, judged.workspace_id)
$$;
"""
APPROVAL_FLAW = """
-- Why the approval of an approved campaign does not stand at this time: missing, expired, approver, second; or ''.
CREATE FUNCTION approval_flaw(of_campaign bigint, by_then timestamptz) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    judged campaigns_campaign;
    d moderation_decision;
    days integer;
BEGIN
    SELECT * INTO judged FROM campaigns_campaign WHERE id = of_campaign;
    SELECT * INTO d FROM moderation_decision
    WHERE campaign_id = judged.id AND moderation_decision.round = judged.round AND moderation_decision.seal = judged.seal
      AND verdict NOT IN ('rejected', 'voted')
    ORDER BY id DESC LIMIT 1;
    IF NOT FOUND THEN
        RETURN 'missing';
    END IF;
    SELECT approval_days INTO days FROM accounts_workspace WHERE id = judged.workspace_id;
    IF d.at <= by_then - make_interval(days => days) THEN
        RETURN 'expired';
    END IF;
    IF NOT may_decide(d.by_id, judged.workspace_id) THEN
        RETURN 'approver';
    END IF;
    IF d.wants_two AND (SELECT count(*) FROM approvers(judged, d.content, by_then)) < 2 THEN
        RETURN 'second';
    END IF;
    RETURN '';
END $$;
"""
GUARD_DECISION = """
CREATE OR REPLACE FUNCTION guard_decision() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    judged campaigns_campaign;
    wanted boolean;
    two boolean;
BEGIN
    SELECT * INTO judged FROM campaigns_campaign WHERE id = NEW.campaign_id;
    SELECT w.four_eyes, coalesce(l.accepted > w.second_approver_above, false) INTO wanted, two
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
GUARD_APPROVAL = """
CREATE OR REPLACE FUNCTION guard_approval() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    flaw text;
BEGIN
    IF NEW.trial_of_id IS NOT NULL THEN
        PERFORM guard_trial(NEW);
        IF OLD.status = 'draft' AND NOT EXISTS (
            SELECT FROM campaigns_campaign o
            WHERE o.id = NEW.trial_of_id AND o.trial_of_id IS NULL AND o.workspace_id = NEW.workspace_id
              AND o.status IN ('draft', 'in_review')
              AND ROW(o.text, o.sender_id, o.revision_id, o.channel_id, o.route_id)
                  IS NOT DISTINCT FROM ROW(NEW.text, NEW.sender_id, NEW.revision_id, NEW.channel_id, NEW.route_id)
        ) THEN
            RAISE EXCEPTION 'campaign % is no test of a campaign that is being written', NEW.id
                USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF NOT EXISTS (
        SELECT FROM moderation_decision d
        WHERE d.campaign_id = NEW.id AND d.round = NEW.round AND d.seal = NEW.seal
          AND d.verdict NOT IN ('rejected', 'voted')
          AND (NOT (d.four_eyes OR d.wants_two) OR d.by_id NOT IN (NEW.created_by_id, NEW.edited_by_id))
    ) THEN
        RAISE EXCEPTION 'campaign % has no approval of this content', NEW.id USING ERRCODE = 'check_violation';
    END IF;
    -- What was started goes on: it is stopped by pausing, not by what became of whoever approved it.
    IF OLD.status = 'approved' AND NEW.status = 'sending' THEN
        flaw := approval_flaw(NEW.id, clock_timestamp());
        IF flaw <> '' THEN
            RAISE EXCEPTION 'the approval of campaign % does not stand: %', NEW.id, flaw
                USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    RETURN NEW;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("moderation", "0009_know_second_approvers"),
        ("accounts", "0009_rule_approvals"),
        ("recipients", "0011_guard_test_phones"),
    ]
    operations = [
        migrations.RunSQL(MAY_DECIDE, "DROP FUNCTION may_decide(bigint, bigint)"),
        migrations.RunSQL(TIMELESS, "DROP FUNCTION timeless(jsonb)"),
        migrations.RunSQL(APPROVERS, "DROP FUNCTION approvers(campaigns_campaign, jsonb, timestamptz)"),
        migrations.RunSQL(APPROVAL_FLAW, "DROP FUNCTION approval_flaw(bigint, timestamptz)"),
        migrations.RunSQL(GUARD_DECISION, GUARD_DECISION_BEFORE),
        migrations.RunSQL(GUARD_APPROVAL, GUARD_APPROVAL_BEFORE),
    ]
