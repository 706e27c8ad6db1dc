"""The consent ledger is only added to: kept by the database itself (``docs/consent.md``, The ledger).

Three things may still happen to a row. A merge hands it to the customer that remains, and changes nothing else of it; a split takes
away what only the merge has written; erasure takes it away. Both say so for the length of their transaction.
"""

from django.db import migrations

APPEND_ONLY = """
CREATE FUNCTION customers_consent_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF current_setting('customers.erasing', true) = 'on' THEN
            RETURN OLD;
        ELSIF OLD.how = 'merge' AND current_setting('customers.splitting', true) = 'on' THEN
            RETURN OLD;
        END IF;
    ELSIF to_jsonb(NEW) - 'customer_id' = to_jsonb(OLD) - 'customer_id' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is append only.', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON customers_consent
    FOR EACH ROW EXECUTE FUNCTION customers_consent_is_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("customers", "0004_consent")]
    operations = [
        migrations.RunSQL(
            APPEND_ONLY, "DROP TRIGGER append_only ON customers_consent; DROP FUNCTION customers_consent_is_append_only();"
        ),
    ]
