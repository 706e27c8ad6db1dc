"""What the ledger promises, kept by the database itself (``docs/ledger.md``, Accounts, postings, entries)."""

from django.db import migrations

ZERO_SUM = """
CREATE FUNCTION redemptions_posting_sums_to_zero() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM redemptions_entry e JOIN redemptions_account a ON a.id = e.account_id
        WHERE e.posting_id = NEW.posting_id GROUP BY a.unit, a.contest HAVING sum(e.amount) <> 0
    ) THEN
        RAISE EXCEPTION 'The entries of posting % do not sum to zero.', NEW.posting_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'a_posting_sums_to_zero';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER a_posting_sums_to_zero AFTER INSERT ON redemptions_entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION redemptions_posting_sums_to_zero();
"""
# In the order of ids, so that two postings never wait for each other in a circle.
BALANCES = """
CREATE FUNCTION redemptions_balances_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM redemptions_account
    WHERE id IN (SELECT account_id FROM inserted) AND kind NOT IN ('cost', 'outside') ORDER BY id FOR UPDATE;
    UPDATE redemptions_account a SET balance = a.balance + moved.amount
    FROM (SELECT account_id, sum(amount) AS amount FROM inserted GROUP BY account_id) AS moved
    WHERE a.id = moved.account_id AND a.kind NOT IN ('cost', 'outside');
    RETURN NULL;
END $$;
CREATE TRIGGER balances_follow AFTER INSERT ON redemptions_entry
    REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION redemptions_balances_follow();
"""
APPEND_ONLY = """
CREATE FUNCTION redemptions_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append only.', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON redemptions_entry
    FOR EACH ROW EXECUTE FUNCTION redemptions_is_append_only();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON redemptions_posting
    FOR EACH ROW EXECUTE FUNCTION redemptions_is_append_only();
CREATE TRIGGER balance_follows_entries BEFORE UPDATE ON redemptions_account
    FOR EACH ROW WHEN (OLD.balance IS DISTINCT FROM NEW.balance AND pg_trigger_depth() = 0)
    EXECUTE FUNCTION redemptions_is_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("redemptions", "0003_ledger")]
    operations = [
        migrations.RunSQL(
            ZERO_SUM,
            "DROP TRIGGER a_posting_sums_to_zero ON redemptions_entry; DROP FUNCTION redemptions_posting_sums_to_zero();",
        ),
        migrations.RunSQL(
            BALANCES, "DROP TRIGGER balances_follow ON redemptions_entry; DROP FUNCTION redemptions_balances_follow();"
        ),
        migrations.RunSQL(
            APPEND_ONLY,
            "DROP TRIGGER append_only ON redemptions_entry; DROP TRIGGER append_only ON redemptions_posting; "
            "DROP TRIGGER balance_follows_entries ON redemptions_account; DROP FUNCTION redemptions_is_append_only();",
        ),
    ]
