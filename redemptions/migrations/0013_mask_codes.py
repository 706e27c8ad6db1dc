"""Codes in stored decisions are masked, some thousands of rows at a time. Run again, it finds nothing more to do.

What was used stays to be found by the grant, the code of a batch and the tender that were written with the decision.
"""

import json

from django.db import migrations, transaction

from campaigns import sealing
from campaigns.wording.decisions import with_masked_codes
from incentives_site.shared.json_text import json_text
from incentives_site.shared.sealing import masked

AT_ONCE = 2_000
_SECRETS = """(
    jsonb_path_exists(decision, '$.applied[*].code ? (!(@ starts with "…"))')
    OR jsonb_path_exists(decision, '$.inapplicable[*].sent_code ? (!(@ starts with "…"))')
    OR jsonb_path_exists(decision, '$.skipped[*].sent_code ? (!(@ starts with "…"))')
    {more}
)"""
_TABLES = {
    "redemptions_redemption": (
        "basket",
        _SECRETS.format(more="""OR jsonb_path_exists(basket, '$.codes[*] ? (!(@ starts with "…"))')"""),
    ),
    "redemptions_reservation": ("NULL::jsonb", _SECRETS.format(more="")),
}


def mask(apps, schema_editor):
    code = apps.get_model("campaigns", "Code")
    public = {bytes(digest) for digest in code.objects.filter(grant=None, batch=None).values_list("digest", flat=True)}
    for table, (basket, has_secrets) in _TABLES.items():
        last = 0
        while last is not None:
            with transaction.atomic(), schema_editor.connection.cursor() as cursor:
                last = _mask(cursor, table, basket, has_secrets, last, public)


def _mask(cursor, table, basket, has_secrets, last, public):
    """Mask the next rows after ``last``; the last of them, or ``None`` when there are no more."""
    cursor.execute(
        f"SELECT id, decision::text, ({basket})::text FROM {table} WHERE id > %s AND {has_secrets} "  # noqa: S608
        "ORDER BY id LIMIT %s FOR UPDATE",
        [last, AT_ONCE],
    )
    rows = cursor.fetchall()
    for pk, decision, sent in rows:
        decision, sent = json.loads(decision), json.loads(sent or "null")
        shown = _codes(decision) | set((sent or {}).get("codes", []))
        known = {text for text in shown if sealing.digest(text) in public}
        values = [json_text(with_masked_codes({**_EMPTY, **decision}, public=known)), pk]
        if sent is None:
            cursor.execute(f"UPDATE {table} SET decision = %s::jsonb WHERE id = %s", values)  # noqa: S608
        else:
            sent["codes"] = [text if text in known else masked(text.strip()) for text in sent.get("codes", [])]
            cursor.execute(
                f"UPDATE {table} SET basket = %s::jsonb, decision = %s::jsonb WHERE id = %s",  # noqa: S608
                [json_text(sent), *values],
            )
    return rows[-1][0] if rows else None


_EMPTY = {"applied": [], "inapplicable": [], "skipped": []}


def _codes(decision):
    return {
        item[name]
        for items, name in (("applied", "code"), ("inapplicable", "sent_code"), ("skipped", "sent_code"))
        for item in decision.get(items, [])
        if name in item
    }


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ("redemptions", "0012_does_not_fit"),
        ("campaigns", "0014_limits_of_order_value_and_points"),
    ]

    operations = [migrations.RunPython(mask, migrations.RunPython.noop)]
