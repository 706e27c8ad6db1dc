"""A row for each role, so that an operator only has to tick it. Nothing is required until then."""

from django.db import migrations

ROLES = ["marketer", "analyst", "store", "hr", "manager", "operator"]


def make_rows(apps, schema_editor):
    requirement = apps.get_model("accounts", "RoleRequirement")
    for role in ROLES:
        requirement.objects.get_or_create(role=role)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_requirements_of_roles")]
    operations = [migrations.RunPython(make_rows, migrations.RunPython.noop)]
