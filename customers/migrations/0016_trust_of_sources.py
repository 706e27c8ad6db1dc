import secrets

import django.contrib.postgres.fields
from django.db import migrations, models

from incentives_site.shared import sealing

KEYS = "sources"


def seal_keys(apps, schema_editor):
    """Keys are sealed. How existing sources keep theirs nobody has said: they count as public until an operator does."""
    for source in apps.get_model("customers", "Source").objects.order_by("pk"):
        source.write_key_digest = sealing.digest(KEYS, source.write_key)
        source.write_key_sealed = sealing.seal(KEYS, source.write_key.encode())
        source.token_secret_sealed = sealing.seal(KEYS, secrets.token_urlsafe(24).encode())
        source.is_trust_chosen = False
        source.save(update_fields=["write_key_digest", "write_key_sealed", "token_secret_sealed", "is_trust_chosen"])


def open_keys(apps, schema_editor):
    for source in apps.get_model("customers", "Source").objects.order_by("pk"):
        source.write_key = (sealing.open_seal(KEYS, source.write_key_sealed) or secrets.token_urlsafe(24).encode()).decode()
        source.save(update_fields=["write_key"])


class Migration(migrations.Migration):
    dependencies = [("customers", "0015_links_end_with_a_merge")]

    operations = [
        migrations.AddField(
            model_name="source",
            name="trust",
            field=models.CharField(
                choices=[
                    ("server", "On a server (secret)"),
                    ("browser", "In web pages (public)"),
                    ("device", "In an app (public)"),
                ],
                default="browser",
                help_text="Anyone can read a key in a web page or an app. Events sent with it identify, join and earn nothing.",
                max_length=8,
                verbose_name="key is kept",
            ),
        ),
        migrations.AddField(
            model_name="source",
            name="is_trust_chosen",
            field=models.BooleanField(default=True, editable=False, verbose_name="trust chosen"),
        ),
        migrations.AddField(
            model_name="source",
            name="origins",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=200),
                blank=True,
                default=list,
                help_text="Web pages that may use the key, such as https://shop.example, separated by commas. Empty: all.",
                size=None,
                verbose_name="allowed origins",
            ),
        ),
        migrations.AddField(
            model_name="source", name="write_key_digest", field=models.BinaryField(editable=False, max_length=32, null=True)
        ),
        migrations.AddField(
            model_name="source", name="write_key_sealed", field=models.BinaryField(default=b"", editable=False, max_length=400)
        ),
        migrations.AddField(
            model_name="source", name="token_secret_sealed", field=models.BinaryField(default=b"", editable=False, max_length=400)
        ),
        migrations.RunPython(seal_keys, open_keys),
    ]
