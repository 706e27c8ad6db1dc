"""The timeline in one partition for each month of ``occurred_at``; what was seen of each source, across partitions."""

from django.db import migrations

# A month's partition is filled beside the table and then attached: that locks out nobody who reads or writes the others.
PARTITIONS = """
CREATE FUNCTION customers_make_event_partition(month date) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    first date := date_trunc('month', month)::date;
    name text := 'customers_event_' || to_char(month, 'YYYY_MM');
BEGIN
    IF to_regclass(name) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE customers_event INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name);
    EXECUTE format('ALTER TABLE customers_event ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name,
        first::text || ' 00:00:00+00', (first + interval '1 month')::date::text || ' 00:00:00+00');
    RETURN true;
END $$;
"""
TABLE = """
ALTER TABLE customers_event RENAME TO customers_event_unparted;
CREATE SEQUENCE customers_event_numbers AS bigint;
CREATE TABLE customers_event (
    id bigint NOT NULL DEFAULT nextval('customers_event_numbers'),
    public_id uuid NOT NULL,
    type varchar(16) NOT NULL,
    name varchar(200) NOT NULL,
    occurred_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    source varchar(64) NOT NULL,
    message_id varchar(100) NOT NULL,
    properties jsonb NOT NULL,
    channel_id bigint REFERENCES customers_channel DEFERRABLE INITIALLY DEFERRED,
    customer_id bigint NOT NULL REFERENCES customers_customer DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT an_event_has_an_id PRIMARY KEY (id, occurred_at)
) PARTITION BY RANGE (occurred_at);
ALTER SEQUENCE customers_event_numbers OWNED BY customers_event.id;
CREATE INDEX timeline_by_customer ON customers_event (customer_id, occurred_at DESC, id DESC);
CREATE TABLE customers_event_older (LIKE customers_event INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
"""
# What there is decides from where on there are months; before lies one partition, "older".
FILL = """
DO $$
DECLARE
    begins date := (SELECT date_trunc('month', LEAST(min(occurred_at), now() - interval '24 months') AT TIME ZONE 'UTC')
                    FROM customers_event_unparted);
    month date;
BEGIN
    begins := GREATEST(begins, (now() - interval '60 months')::date);
    begins := date_trunc('month', begins)::date;
    EXECUTE format('ALTER TABLE customers_event ATTACH PARTITION customers_event_older FOR VALUES FROM (MINVALUE) TO (%L)',
        begins::text || ' 00:00:00+00');
    FOR month IN SELECT generate_series(begins, (now() + interval '12 months')::date, interval '1 month')::date LOOP
        PERFORM customers_make_event_partition(month);
    END LOOP;
    INSERT INTO customers_seenmessage (digest, seen_at)
        SELECT encode(substr(sha256(convert_to(source || chr(31) || message_id, 'UTF8')), 1, 16), 'hex')::uuid, received_at
        FROM customers_event_unparted;
    INSERT INTO customers_event (id, public_id, type, name, occurred_at, received_at, source, message_id, properties, channel_id,
            customer_id)
        SELECT id, public_id, type, name, occurred_at, received_at, source, message_id, properties, channel_id, customer_id
        FROM customers_event_unparted WHERE occurred_at < now() + interval '12 months';
    PERFORM setval('customers_event_numbers', GREATEST((SELECT max(id) FROM customers_event_unparted), 1));
END $$;
DROP TABLE customers_event_unparted CASCADE;
"""
KINDS = (
    ("user_id", 1, None, 1),
    ("loyalty_card", 1, None, 2),
    ("email", 5, None, 3),
    ("phone", 5, None, 4),
    ("external", 1, None, 5),
    ("device_id", 5, None, 6),
    ("anonymous_id", 5, 7, 7),
)


def add_kinds(apps, schema_editor):
    kinds = apps.get_model("customers", "IdentityKind").objects.using(schema_editor.connection.alias)
    for key, limit, window_days, rank in KINDS:
        kinds.get_or_create(key=key, defaults={"limit": limit, "window_days": window_days, "rank": rank})


def first_seen(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("UPDATE customers_customer SET first_seen_at = created_at")
        cursor.execute("UPDATE customers_identity SET first_seen_at = created_at")


class Migration(migrations.Migration):
    dependencies = [("customers", "0006_profiles")]

    operations = [
        migrations.RunPython(add_kinds, migrations.RunPython.noop),
        migrations.RunPython(first_seen, migrations.RunPython.noop),
        migrations.RunSQL(["SET CONSTRAINTS ALL IMMEDIATE", PARTITIONS, TABLE, FILL]),
    ]
