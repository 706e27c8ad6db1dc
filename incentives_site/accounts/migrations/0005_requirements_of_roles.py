from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_known_browsers")]

    operations = [
        migrations.CreateModel(
            name="RoleRequirement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("marketer", "Marketer"),
                            ("analyst", "Analyst"),
                            ("store", "Store associate"),
                            ("hr", "HR"),
                            ("manager", "Manager"),
                            ("operator", "Operator"),
                        ],
                        max_length=32,
                        unique=True,
                        verbose_name="role",
                    ),
                ),
                (
                    "second_factor",
                    models.BooleanField(
                        default=False,
                        help_text="People in this role open no page until they have set up a passkey or an authenticator app.",
                        verbose_name="second factor required",
                    ),
                ),
            ],
            options={
                "verbose_name": "sign-in requirement",
                "verbose_name_plural": "sign-in requirements",
                "ordering": ["role"],
            },
        ),
    ]
