"""What a moderator's decision is to a campaign, the register of test phones is to a test send: asked for by the database.

The function of 0002 with another question for test sends; the trigger stays.
"""

from importlib import import_module

from django.db import migrations

FIRST = import_module("moderation.migrations.0002_no_sending_without_approval").GUARD_APPROVAL
BEFORE = FIRST.partition("CREATE TRIGGER")[0].replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")

FUNCTION = """
CREATE OR REPLACE FUNCTION guard_approval() RETURNS trigger LANGUAGE plpgsql AS $$
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
        WHERE d.campaign_id = NEW.id AND d.round = NEW.round AND d.seal = NEW.seal AND d.verdict <> 'rejected'
          AND (NOT d.four_eyes OR d.by_id NOT IN (NEW.created_by_id, NEW.edited_by_id))
    ) THEN
        RAISE EXCEPTION 'campaign % has no approval of this content', NEW.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
"""
# The numbers themselves are asked about once more with each intent: recipients 0011, `withheld_from_trial`.
TRIAL = """
CREATE FUNCTION guard_trial(trial campaigns_campaign) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    numbers integer;
BEGIN
    SELECT count(*) INTO numbers FROM campaigns_trialnumber WHERE trial_id = trial.id;
    IF numbers NOT BETWEEN 1 AND 5 OR NOT EXISTS (
        SELECT FROM recipients_recipientlist l
        WHERE l.id = trial.list_id AND l.workspace_id = trial.workspace_id AND l.is_trial AND l.status = 'ready'
          AND l.accepted = numbers
    ) THEN
        RAISE EXCEPTION 'campaign % has no list of at most five test phones', trial.id USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (
        SELECT FROM campaigns_trialnumber n
        WHERE n.trial_id = trial.id AND NOT EXISTS (
            SELECT FROM recipients_trialphone p WHERE p.workspace_id = trial.workspace_id AND p.phone = n.phone
        )
    ) THEN
        RAISE EXCEPTION 'campaign %: a number of it is no test phone', trial.id USING ERRCODE = 'check_violation';
    END IF;
    IF NOT EXISTS (
        SELECT FROM senders_revision r JOIN senders_sender s ON s.id = r.sender_id
        WHERE r.id = trial.revision_id AND s.id = trial.sender_id AND s.workspace_id = trial.workspace_id
          AND r.status = 'approved' AND s.status = 'approved'
    ) THEN
        RAISE EXCEPTION 'campaign %: its sender is not approved', trial.id USING ERRCODE = 'check_violation';
    END IF;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("moderation", "0007_seed_canned_reasons"),
        ("campaigns", "0009_guard_trials"),
        ("senders", "0003_guard_revisions"),
    ]
    operations = [
        migrations.RunSQL(TRIAL, "DROP FUNCTION guard_trial(campaigns_campaign)"),
        migrations.RunSQL(FUNCTION, BEFORE),
    ]
