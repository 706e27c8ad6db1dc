"""The words of a posting may go while a customer is erased; nothing else of the ledger ever changes."""

from django.db import migrations

WITH_ERASURE = """
CREATE OR REPLACE FUNCTION redemptions_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND TG_TABLE_NAME = 'redemptions_posting' AND current_setting('customers.erasing', true) = 'on'
        AND to_jsonb(NEW) - 'reason' = to_jsonb(OLD) - 'reason' AND to_jsonb(NEW) ->> 'reason' = '' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is append only.', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
"""
WITHOUT = """
CREATE OR REPLACE FUNCTION redemptions_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append only.', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("redemptions", "0010_draws_of_contests")]
    operations = [migrations.RunSQL(WITH_ERASURE, WITHOUT)]
