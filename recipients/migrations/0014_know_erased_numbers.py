"""Which of these numbers are suppressed, also of those that were erased and stand there by their marks."""

from django.db import migrations, models

# A mark is 2^62 or more, where no number is (recipients.marks): one probe more for each number, where there is any.
FUNCTION = """
CREATE FUNCTION suppressed_among(of_workspace bigint, phones bigint[], marks bigint[]) RETURNS bigint[]
LANGUAGE plpgsql VOLATILE SET enable_seqscan = off AS $$
BEGIN
    IF EXISTS (SELECT FROM recipients_suppression WHERE workspace_id = of_workspace AND phone >= 4611686018427387904)
        OR EXISTS (SELECT FROM recipients_suppression WHERE workspace_id IS NULL AND phone >= 4611686018427387904)
    THEN
        RETURN suppressed_among(of_workspace, phones || marks);
    END IF;
    RETURN suppressed_among(of_workspace, phones);
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("recipients", "0013_link_within_a_workspace")]
    operations = [
        migrations.RunSQL(FUNCTION, "DROP FUNCTION suppressed_among(bigint, bigint[], bigint[])"),
        migrations.AlterField(
            model_name="suppression",
            name="phone",
            field=models.BigIntegerField(help_text="E.164 digits; of a number that was erased, its mark."),
        ),
    ]
