from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0012_tiers")]

    operations = [
        migrations.AddIndex(
            model_name="grant",
            index=models.Index(
                fields=["customer", "incentive", "ends_at", "id"],
                condition=models.Q(("state", "held")),
                name="held_grants_of_a_customer",
            ),
        ),
    ]
