import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("integrations", "0005_scope_of_survey_results"),
    ]

    operations = [
        migrations.AddField(
            model_name="idempotentreply",
            name="sealed",
            field=models.BinaryField(null=True),
        ),
        migrations.AddField(
            model_name="idempotentreply",
            name="mentions",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.UUIDField(), db_default=[], default=list, size=None, verbose_name="mentions"
            ),
        ),
    ]
