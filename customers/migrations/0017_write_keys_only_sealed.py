from django.db import migrations, models

import customers.models._ingestion


class Migration(migrations.Migration):
    dependencies = [("customers", "0016_trust_of_sources")]

    operations = [
        migrations.RemoveField(model_name="source", name="write_key"),
        migrations.AlterField(
            model_name="source",
            name="write_key_digest",
            field=models.BinaryField(editable=False, max_length=32, unique=True),
        ),
        migrations.AlterField(
            model_name="source", name="write_key_sealed", field=models.BinaryField(editable=False, max_length=400)
        ),
        migrations.AlterField(
            model_name="source", name="token_secret_sealed", field=models.BinaryField(editable=False, max_length=400)
        ),
        migrations.AlterField(
            model_name="rejection",
            name="reason",
            field=models.CharField(
                choices=[(reason.value, reason.value) for reason in customers.models._ingestion.Refusal],
                max_length=32,
                verbose_name="reason",
            ),
        ),
    ]
