from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("integrations", "0007_seal_old_replies"),
    ]

    operations = [migrations.RemoveField(model_name="idempotentreply", name="body")]
