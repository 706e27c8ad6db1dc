"""Which passwords are known to their owners alone. Of those there are, it is not known: they count once they are set by e-mail."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0010_longer_hashes"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="own_password",
            field=models.CharField(blank=True, db_default="", default="", editable=False, max_length=64),
        ),
    ]
