"""Wrong sign-ins are counted in ``accounts_signintally``: the tables of the package that did so before, with addresses, go."""

from django.db import migrations

DROP = """
DROP TABLE IF EXISTS axes_accessattemptexpiration, axes_accessattempt, axes_accessfailurelog, axes_accesslog;
DELETE FROM django_migrations WHERE app = 'axes';
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0007_receipts_of_every_store")]
    operations = [migrations.RunSQL(DROP, migrations.RunSQL.noop)]
