"""Room in each page of invitations, so that using one writes no index anew: hundreds are used within minutes."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("surveys", "0008_open_feedback"),
    ]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE surveys_invitation SET (fillfactor = 60)", "ALTER TABLE surveys_invitation RESET (fillfactor)"
        ),
    ]
