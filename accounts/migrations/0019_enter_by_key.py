"""Who calls the API, and what there is to know of them, is one statement, which leaves the session in their workspace."""

from django.db import migrations

# For a key that is good now, by the rule of `ApiKeyQuerySet.usable`. Keys are behind the wall, so the scope is
# that of all for as long as it takes to find it; where there is none, it is what it was.
FUNCTION = """
CREATE FUNCTION enter_by_key(of_digest text, now timestamptz) RETURNS TABLE (
    key accounts_apikey, workspace accounts_workspace, person accounts_user, membership accounts_membership,
    roles text[], has_second_step boolean
) LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
    before text := coalesce(current_setting('message_center.scope', true), '');
    good accounts_apikey;
BEGIN
    PERFORM set_config('message_center.scope', 'all', false);
    SELECT k.* INTO good FROM accounts_apikey k
    WHERE k.digest = of_digest AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now);
    RETURN QUERY
    SELECT good, w, u, m,
           ARRAY(SELECT a.role FROM accounts_membership a WHERE a.user_id = u.id UNION
                 SELECT 'moderator' FROM accounts_membership a WHERE a.user_id = u.id AND a.is_moderator)::text[],
           EXISTS (SELECT FROM accounts_authenticator a WHERE a.user_id = u.id AND a.confirmed_at IS NOT NULL)
           OR EXISTS (SELECT FROM accounts_securitykey s WHERE s.user_id = u.id)
    FROM accounts_workspace w
    JOIN accounts_user u ON u.id = coalesce(good.user_id, good.created_by_id) AND u.is_active
    LEFT JOIN accounts_membership m ON m.workspace_id = w.id AND m.user_id = good.user_id
    WHERE w.id = good.workspace_id;
    PERFORM set_config('message_center.scope', CASE WHEN FOUND THEN good.workspace_id::text ELSE before END, false);
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0018_keep_whole_numbers_of_old_keys")]
    operations = [migrations.RunSQL(FUNCTION, "DROP FUNCTION enter_by_key(text, timestamptz)")]
