"""The address of the page that made a change is kept with the change: without the secret part of links."""

from django.db import migrations

from incentives_site.shared.masking import SECRET_PREFIXES

_MASK = """
UPDATE pghistory_context SET metadata = jsonb_set(metadata, '{{url}}', to_jsonb(
    regexp_replace(metadata ->> 'url', '^/({prefixes})/[^/]+', '/\\1/…')))
WHERE metadata ->> 'url' ~ '^/({prefixes})/[^/…]'
"""


class Migration(migrations.Migration):
    dependencies = [
        ("integrations", "0008_no_replies_in_clear"),
        ("pghistory", "0007_auto_20250421_0444"),
    ]

    operations = [
        migrations.RunSQL(_MASK.format(prefixes="|".join(SECRET_PREFIXES)).replace("%", "%%"), migrations.RunSQL.noop),
    ]
