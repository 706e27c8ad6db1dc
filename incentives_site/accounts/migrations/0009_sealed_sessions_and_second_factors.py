"""Secrets of second factors that lie in clear are sealed; sessions, which lie in clear as well, end: people sign in again."""

from django.db import migrations

from incentives_site.accounts.second_factors import PURPOSE
from incentives_site.shared import sealing


def seal(apps, schema_editor):
    for row in apps.get_model("mfa", "Authenticator").objects.exclude(type="webauthn").select_for_update().order_by("pk"):
        changed = {
            name: _sealed(value) if isinstance(value, str) else [_sealed(one) for one in value]
            for name, value in row.data.items()
            if name in {"secret", "seed", "migrated_codes"}
        }
        row.data |= changed
        row.save(update_fields=["data"])


def _sealed(text):
    is_sealed = sealing.open_seal(PURPOSE, text.encode()) is not None
    return text if is_sealed else sealing.seal(PURPOSE, text.encode()).decode()


def end_sessions(apps, schema_editor):
    apps.get_model("sessions", "Session").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0008_without_axes"),
        ("mfa", "0003_authenticator_type_uniq"),
        ("sessions", "0001_initial"),
    ]

    operations = [
        migrations.RunPython(seal, migrations.RunPython.noop),
        migrations.RunPython(end_sessions, migrations.RunPython.noop),
    ]
