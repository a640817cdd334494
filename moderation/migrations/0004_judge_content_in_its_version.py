"""A process that does not know the version of a campaign's content does not approve it: it has not seen all of it.

The function of 0002 with one question more; the trigger stays.
"""

from importlib import import_module

from django.db import migrations

FIRST = import_module("moderation.migrations.0002_no_sending_without_approval").GUARD_DECISION
BEFORE = FIRST.partition("CREATE TRIGGER")[0].replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")

FUNCTION = """
CREATE OR REPLACE FUNCTION guard_decision() RETURNS trigger LANGUAGE plpgsql AS $$
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
    IF NEW.verdict <> 'rejected' AND NEW.content->>'v' IS DISTINCT FROM judged.content_version::text THEN
        RAISE EXCEPTION 'the content of campaign % has version %', judged.id, judged.content_version
            USING ERRCODE = 'check_violation';
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
"""


class Migration(migrations.Migration):
    dependencies = [("moderation", "0003_add_revision_queue"), ("campaigns", "0005_add_hours_limits_and_routes")]
    operations = [migrations.RunSQL(FUNCTION, BEFORE)]
