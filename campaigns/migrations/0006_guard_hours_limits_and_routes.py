"""What a campaign got since 0003 is content too: the database refuses a change of it outside DRAFT.

The function of 0003 with the new columns beside the old ones; the trigger stays.
"""

from importlib import import_module

from django.db import migrations

first = import_module("campaigns.migrations.0003_guard_content_and_moves")
MOVES = first.MOVES

FUNCTION = f"""
CREATE OR REPLACE FUNCTION guard_campaign() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> 'draft' OR NEW.round <> 0 OR NEW.seal <> '' THEN
            RAISE EXCEPTION 'a campaign begins as a draft' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.status <> OLD.status AND NOT (OLD.status || '>' || NEW.status) = ANY (string_to_array('{MOVES}', ' ')) THEN
        RAISE EXCEPTION 'campaign %: % to % is not a move', OLD.id, OLD.status, NEW.status
            USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.round <> OLD.round + (CASE WHEN OLD.status = 'draft' AND NEW.status = 'in_review' THEN 1 ELSE 0 END) THEN
        RAISE EXCEPTION 'campaign %: its round counts the submissions', OLD.id USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.seal <> OLD.seal AND NOT (NEW.status = 'approved' AND OLD.status IN ('in_review', 'missed')) THEN
        RAISE EXCEPTION 'campaign %: only an approval seals', OLD.id USING ERRCODE = 'check_violation';
    END IF;
    IF ROW(NEW.workspace_id, NEW.created_by_id, NEW.public_id)
            IS DISTINCT FROM ROW(OLD.workspace_id, OLD.created_by_id, OLD.public_id) THEN
        RAISE EXCEPTION 'campaign %: workspace, author and id never change', OLD.id USING ERRCODE = 'check_violation';
    END IF;
    IF OLD.status <> 'draft' AND ROW(NEW.mode, NEW.text, NEW.sender_id, NEW.revision_id, NEW.list_id, NEW.channel_id,
                                     NEW.edited_by_id, NEW.route_id, NEW.daily_from, NEW.daily_to, NEW.daily_zone,
                                     NEW.parts_per_second, NEW.content_version)
            IS DISTINCT FROM ROW(OLD.mode, OLD.text, OLD.sender_id, OLD.revision_id, OLD.list_id, OLD.channel_id,
                                 OLD.edited_by_id, OLD.route_id, OLD.daily_from, OLD.daily_to, OLD.daily_zone,
                                 OLD.parts_per_second, OLD.content_version) THEN
        RAISE EXCEPTION 'campaign %: its content is immutable outside draft', OLD.id USING ERRCODE = 'check_violation';
    END IF;
    -- A moderator gives a missed campaign another time, and a new seal with it.
    IF OLD.status NOT IN ('draft', 'missed') AND ROW(NEW.send_at, NEW.date_from, NEW.date_to, NEW.not_after)
            IS DISTINCT FROM ROW(OLD.send_at, OLD.date_from, OLD.date_to, OLD.not_after) THEN
        RAISE EXCEPTION 'campaign %: its times are immutable outside draft', OLD.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
"""
BEFORE = first.FUNCTION.partition("CREATE TRIGGER")[0].replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0005_add_hours_limits_and_routes")]
    operations = [migrations.RunSQL(FUNCTION, BEFORE)]
