"""A deleted list keeps its row, so that the foreign key alone would still let a campaign point at it."""

from django.db import migrations

FUNCTION = """
CREATE FUNCTION guard_campaign_list() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- FOR KEY SHARE waits for a deletion under way, and looks at the row again.
    PERFORM 1 FROM recipients_recipientlist WHERE id = NEW.list_id AND status <> 'deleted' FOR KEY SHARE;
    IF NEW.list_id IS NOT NULL AND NOT FOUND THEN
        RAISE EXCEPTION 'campaign %: its list is deleted', NEW.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER campaign_list_guard BEFORE INSERT OR UPDATE OF list_id ON campaigns_campaign
    FOR EACH ROW EXECUTE FUNCTION guard_campaign_list();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0003_guard_content_and_moves"),
        ("recipients", "0003_archive_cancel_and_delete_lists"),
    ]
    operations = [
        migrations.RunSQL(
            FUNCTION, "DROP TRIGGER campaign_list_guard ON campaigns_campaign; DROP FUNCTION guard_campaign_list()"
        )
    ]
