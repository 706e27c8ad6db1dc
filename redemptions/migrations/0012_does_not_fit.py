from django.db import migrations

# For a statement that is a whole transaction: it finds out itself that something does not fit, and then has to write nothing.
FUNCTION = """
CREATE FUNCTION redemptions_does_not_fit() RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'This does not fit into a limit.' USING ERRCODE = 'RD001';
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("redemptions", "0011_words_of_erased_customers")]

    operations = [migrations.RunSQL(FUNCTION, "DROP FUNCTION redemptions_does_not_fit()")]
