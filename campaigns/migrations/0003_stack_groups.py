"""The three stack groups that every installation begins with; those that are there stay as they are."""

from django.db import migrations

GROUPS = (
    {"key": "default", "name": "Combines with others", "eligibility": "common", "rank": 100},
    {"key": "exclusive", "name": "Applies alone", "eligibility": "exclusive", "rank": 10, "limit": 1},
    {"key": "always", "name": "Always applies", "eligibility": "always", "rank": 200},
)


def add_groups(apps, schema_editor):
    groups = apps.get_model("campaigns", "StackGroup").objects.using(schema_editor.connection.alias)
    for group in GROUPS:
        groups.get_or_create(key=group["key"], defaults=group)


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0002_initial")]

    operations = [migrations.RunPython(add_groups, migrations.RunPython.noop)]
