"""Every change to what is promised gives the catalogue a new number, in its own transaction.

The number comes from a sequence, so it never comes again, not even after a rollback or an emptied table.
"""

from django.db import migrations

TABLES = [
    "campaigns_campaign",
    "campaigns_campaign_channels",
    "campaigns_incentive",
    "campaigns_limit",
    "campaigns_stackgroup",
    "customers_channel",
]
FUNCTION = """
CREATE SEQUENCE campaigns_catalogue_numbers;
CREATE FUNCTION campaigns_renumber_catalogue() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO campaigns_catalogueversion (id, number) VALUES (1, nextval('campaigns_catalogue_numbers'))
    ON CONFLICT (id) DO UPDATE SET number = EXCLUDED.number;
    RETURN NULL;
END $$;
INSERT INTO campaigns_catalogueversion (id, number) VALUES (1, nextval('campaigns_catalogue_numbers'));
"""
FORGET = "DROP FUNCTION campaigns_renumber_catalogue(); DROP SEQUENCE campaigns_catalogue_numbers;"


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0004_catalogue_version"), ("customers", "0002_initial")]
    operations = [
        migrations.RunSQL(FUNCTION, FORGET),
        *[
            migrations.RunSQL(
                f"CREATE TRIGGER renumber_catalogue AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION campaigns_renumber_catalogue()",
                f"DROP TRIGGER renumber_catalogue ON {table}",
            )
            for table in TABLES
        ],
    ]
