from django.db import migrations, models
from django.db.models import Q, Value


def end_links_of_merged(apps, schema_editor):
    """Whoever has a link that was given out before such a merge may see what was another person's: those links end."""
    customers = apps.get_model("customers", "Customer").objects
    customers.filter(Q(merges__gt=0) | Q(forwarded_to__isnull=False)).update(link_version=1)


class Migration(migrations.Migration):
    dependencies = [("customers", "0014_data_requests")]

    operations = [
        migrations.AddField(
            model_name="customer",
            name="link_version",
            field=models.PositiveIntegerField(db_default=0, default=0, editable=False, verbose_name="version of its links"),
        ),
        migrations.AddField(
            model_name="customer",
            name="claims",
            field=models.JSONField(
                blank=True,
                db_default=Value({}, models.JSONField()),
                default=dict,
                help_text="What sources with a public key said. Nothing is decided by them.",
                verbose_name="unverified attributes",
            ),
        ),
        migrations.AddField(
            model_name="customer",
            name="links_sent_at",
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name="new links sent"),
        ),
        migrations.RunPython(end_links_of_merged, migrations.RunPython.noop, elidable=True),
    ]
