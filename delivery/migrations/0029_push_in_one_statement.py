"""Messages that are pushed are taken on by one statement: whoever pushes into the same campaign waits for no round
trips of the one before."""

from django.db import migrations

# Of each, in order: the number within the campaign, whether its number is suppressed, and the digest of what has its
# key. No row when the campaign takes none; no number when more would wait than may.
FUNCTION = """
CREATE FUNCTION push_messages(
    of_campaign bigint, phones bigint[], cells jsonb, keys text[], digests text[], ends timestamptz[],
    of_key bigint, chunk_size int, most_waiting int, now timestamptz
) RETURNS TABLE (recipient int, is_suppressed boolean, digest text)
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
    campaign record;
    chunk record;
    waiting bigint;
    unwanted bigint[];
BEGIN
    -- SHARE: many may push at once, and nobody while the campaign is paused, ended or cancelled.
    SELECT c.workspace_id INTO campaign FROM campaigns_campaign c
    WHERE c.id = of_campaign AND c.status IN ('sending', 'paused') AND (c.not_after IS NULL OR c.not_after > now)
    FOR SHARE;
    IF NOT FOUND THEN RETURN; END IF;
    -- Whoever has the chunk that grows is the only one that pushes: keys are looked up after it.
    LOOP
        SELECT c.id, c.number, c.first, c.count, c.status INTO chunk FROM delivery_chunk c
        WHERE c.campaign_id = of_campaign ORDER BY c.number DESC LIMIT 1 FOR NO KEY UPDATE;
        EXIT WHEN chunk.count < chunk_size AND chunk.status IN ('open', 'done');
        INSERT INTO delivery_chunk (campaign_id, number, first, count, key, sha256, status, owner, epoch, next,
                                    intended, unresolved, plan_first)
        VALUES (of_campaign, coalesce(chunk.number + 1, 0), coalesce(chunk.first + chunk.count, 0), 0, '', '', 'done',
                '', 0, 0, 0, 0, 0)
        ON CONFLICT DO NOTHING;
    END LOOP;
    SELECT coalesce(sum(c.count - c.next), 0) INTO waiting FROM delivery_chunk c
    WHERE c.campaign_id = of_campaign AND c.status = 'open' AND c.key = '';
    unwanted := suppressed_among(campaign.workspace_id, phones);
    RETURN QUERY
    WITH asked AS (
        SELECT a.*, CASE WHEN a.key IS NULL THEN a.place ELSE min(a.place) OVER (PARTITION BY a.key) END AS first_place
        FROM unnest(phones, keys, digests, ends) WITH ORDINALITY AS a(phone, key, digest, expires_at, place)
    ), known AS (
        SELECT p.key, p.recipient, p.is_suppressed, p.digest FROM delivery_push p
        WHERE p.campaign_id = of_campaign AND p.key = ANY (keys)
    ), new AS (
        SELECT asked.*, (chunk.first + chunk.count + row_number() OVER (ORDER BY asked.place) - 1)::int AS recipient,
               asked.phone = ANY (unwanted) AS is_suppressed
        FROM asked
        WHERE asked.place = asked.first_place AND NOT EXISTS (SELECT FROM known WHERE known.key = asked.key)
    ), fitting AS (
        SELECT * FROM new WHERE waiting + (SELECT count(*) FROM new) <= most_waiting
    ), taken AS (
        INSERT INTO delivery_push (workspace_id, campaign_id, recipient, phone, cells, key, digest, expires_at,
                                   is_suppressed, at, pushed_by_id)
        SELECT campaign.workspace_id, of_campaign, f.recipient, f.phone,
               ARRAY(SELECT jsonb_array_elements_text(cells -> f.place::int - 1)), f.key, f.digest, f.expires_at,
               f.is_suppressed, now, of_key
        FROM fitting f
    ), grown AS (
        UPDATE delivery_chunk c SET count = c.count + n, status = 'open'
        FROM (SELECT count(*) AS n FROM fitting) f WHERE c.id = chunk.id AND n > 0
    )
    SELECT coalesce(k.recipient, f.recipient), coalesce(k.is_suppressed, f.is_suppressed), coalesce(k.digest, f.digest)::text
    FROM asked
    LEFT JOIN known k ON k.key = asked.key
    LEFT JOIN fitting f ON f.place = asked.first_place
    ORDER BY asked.place;
END $$;
"""
DROP = """
DROP FUNCTION push_messages(bigint, bigint[], jsonb, text[], text[], timestamptz[], bigint, int, int, timestamptz)
"""


class Migration(migrations.Migration):
    dependencies = [("delivery", "0028_attend_to_pushed")]
    operations = [migrations.RunSQL(FUNCTION, DROP)]
