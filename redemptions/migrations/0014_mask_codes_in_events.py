"""Codes and gift cards in events that sources sent are masked, some thousands at a time. Run again, it finds nothing more to do."""

import json

from django.db import migrations, transaction

from campaigns import sealing
from customers.operations._secrets import mask_secrets
from incentives_site.shared.json_text import json_text

AT_ONCE = 2_000
# The names of fields, and of parameters of addresses, that ``mask_secrets`` looks into.
_MAY_HOLD = "(coupon|code|voucher|promo|gift|card|discount|token|redeem)"
_TABLES = {
    "customers_event": ("properties", "context"),
    "customers_rejection": ("body",),
}


def mask(apps, schema_editor):
    code, card = apps.get_model("campaigns", "Code"), apps.get_model("redemptions", "GiftCard")

    def secret(texts):
        digests = {text: sealing.digest(text) for text in texts}
        wanted = set(digests.values())
        codes = code.objects.exclude(grant=None, batch=None).filter(digest__in=wanted).values_list("digest", flat=True)
        cards = card.objects.filter(digest__in=wanted).values_list("digest", flat=True)
        found = {bytes(digest) for digest in [*codes, *cards]}
        return {text for text, digest in digests.items() if digest in found}

    for table, columns in _TABLES.items():
        last = 0
        while last is not None:
            with transaction.atomic(), schema_editor.connection.cursor() as cursor:
                last = _mask(cursor, table, columns, last, secret)


def _mask(cursor, table, columns, last, secret):
    """Mask the next rows after ``last``; the last of them, or ``None`` when there are no more."""
    texts = ", ".join(f"{column}::text" for column in columns)
    holds = " OR ".join(f"{column}::text ~* %(holds)s" for column in columns)
    cursor.execute(
        f"SELECT id, {texts} FROM {table} WHERE id > %(last)s AND ({holds}) ORDER BY id LIMIT %(most)s FOR UPDATE",  # noqa: S608
        {"holds": _MAY_HOLD, "last": last, "most": AT_ONCE},
    )
    rows = cursor.fetchall()
    for pk, *parts in rows:
        try:
            data = [json.loads(part) for part in parts]
        except ValueError:
            continue  # a rejection is cut off after 32 KiB
        if mask_secrets(data, [secret]):
            sets = ", ".join(f"{column} = %s" for column in columns)
            cursor.execute(f"UPDATE {table} SET {sets} WHERE id = %s", [*map(json_text, data), pk])  # noqa: S608
    return rows[-1][0] if rows else None


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ("redemptions", "0013_mask_codes"),
        ("customers", "0014_data_requests"),
    ]

    operations = [migrations.RunPython(mask, migrations.RunPython.noop)]
