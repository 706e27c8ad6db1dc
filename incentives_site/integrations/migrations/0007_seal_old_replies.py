"""Answers that were kept in clear are sealed, some thousands at a time; run again, it goes on with what is left."""

from django.db import migrations, transaction

from incentives_site.integrations import sealing
from incentives_site.integrations.operations._answer_once import mentions_in
from incentives_site.shared.json_text import json_text

AT_ONCE = 2_000
_SEALED = """
UPDATE integrations_idempotentreply SET sealed = %s, mentions = %s::uuid[], body = NULL WHERE id = %s
"""


def seal(apps, schema_editor):
    model = apps.get_model("integrations", "IdempotentReply")
    if "body" not in {field.name for field in model._meta.get_fields()}:
        return  # all of this was done, and the next migration has taken the column away
    replies = model.objects.filter(body__isnull=False).order_by("pk")
    while True:
        with transaction.atomic(), schema_editor.connection.cursor() as cursor:
            rows = list(replies.select_for_update()[:AT_ONCE].values_list("pk", "partner_id", "key", "body"))
            texts = [(pk, partner, key, json_text(body)) for pk, partner, key, body in rows]
            cursor.executemany(
                _SEALED,
                [[sealing.seal_reply(partner, key, text.encode()), mentions_in(text), pk] for pk, partner, key, text in texts],
            )
        if len(rows) < AT_ONCE:
            return


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ("integrations", "0006_sealed_replies"),
    ]

    operations = [migrations.RunPython(seal, migrations.RunPython.noop)]
