"""A partner that is called as a part of the product gets another key; what was redeemed under the old one stays the product's."""

from django.db import migrations

RESERVED = ("till", "import", "customers", "campaigns", "redemptions", "surveys", "wallet", "preferences", "system")


def rename(apps, schema_editor):
    partners = apps.get_model("integrations", "Partner").objects
    for partner in partners.filter(key__iregex=rf"^({'|'.join(RESERVED)})$"):
        key, number = f"{partner.key}-partner", 1
        while partners.filter(key=key).exists():
            number += 1
            key = f"{partner.key}-partner-{number}"
        partners.filter(pk=partner.pk).update(key=key)


class Migration(migrations.Migration):
    dependencies = [("integrations", "0010_scope_of_exports")]
    operations = [migrations.RunPython(rename, migrations.RunPython.noop)]
