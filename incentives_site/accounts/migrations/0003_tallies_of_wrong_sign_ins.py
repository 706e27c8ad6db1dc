import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_roles")]

    operations = [
        migrations.CreateModel(
            name="SignInTally",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=64, unique=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("pair", "Account and address"),
                            ("account", "Account"),
                            ("address", "Address"),
                            ("device", "Known browser"),
                            ("factor", "Second factor"),
                            ("notice", "E-mail to the owner"),
                        ],
                        max_length=16,
                        verbose_name="counted by",
                    ),
                ),
                ("address", models.CharField(blank=True, max_length=64, verbose_name="network address")),
                ("tries", models.PositiveIntegerField(verbose_name="wrong tries")),
                ("until", models.DateTimeField(db_index=True, verbose_name="until")),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="person",
                    ),
                ),
            ],
            options={
                "verbose_name": "sign-in lock",
                "verbose_name_plural": "sign-in locks",
            },
        ),
    ]
