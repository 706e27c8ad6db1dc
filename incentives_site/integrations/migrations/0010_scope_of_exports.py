import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("integrations", "0009_no_links_in_history"),
    ]

    operations = [
        migrations.AlterField(
            model_name="apikey",
            name="scopes",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[
                        ("quotes", "Quotes"),
                        ("redemptions", "Redemptions"),
                        ("returns", "Returns"),
                        ("customers:read", "Customers Read"),
                        ("customers:write", "Customers Write"),
                        ("customers:export", "Customers Export"),
                        ("segments", "Segments"),
                        ("events", "Events"),
                        ("decisions", "Decisions"),
                        ("campaigns:read", "Campaigns Read"),
                        ("campaigns:write", "Campaigns Write"),
                        ("results", "Results"),
                        ("surveys", "Surveys"),
                        ("survey_results", "Survey Results"),
                        ("employees", "Employees"),
                        ("simulate", "Simulate"),
                        ("webhooks", "Webhooks"),
                    ],
                    max_length=32,
                ),
                default=list,
                size=None,
                verbose_name="scopes",
            ),
        ),
    ]
