"""Hand over what a customer has used of limits, when two customers become one or are taken apart."""

from collections.abc import Mapping

from django.db import connection

# A counter may then stand above its limit: two uses, one each, are two uses of one person. Nothing more is given from it.
_MOVE = """
WITH used AS (SELECT * FROM unnest(%(limits)s::bigint[], %(froms)s::text[], %(tos)s::text[], %(amounts)s::bigint[])
              AS u (limit_id, source, target, amount)),
taken AS (UPDATE campaigns_limitcounter c SET used = c.used - u.amount FROM used u
          WHERE c.limit_id = u.limit_id AND c.subject = u.source)
INSERT INTO campaigns_limitcounter (limit_id, subject, used) SELECT limit_id, target, amount FROM used ORDER BY 1, 2
ON CONFLICT (limit_id, subject) DO UPDATE SET used = campaigns_limitcounter.used + EXCLUDED.used
"""


def rename_subject(*, uses: Mapping[tuple[int, str], int], source: str, target: str) -> None:
    """Move ``uses`` (amount by limit and subject) from the subjects of ``source`` to the like of ``target`` (public ids)."""
    rows = [(limit, subject, subject.replace(source, target), amount) for (limit, subject), amount in sorted(uses.items())]
    if not rows:
        return
    limits, froms, tos, amounts = (list(column) for column in zip(*rows, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM campaigns_limitcounter WHERE limit_id = ANY(%s) AND subject = ANY(%s) "
            "ORDER BY limit_id, subject FOR UPDATE",
            [limits, froms + tos],
        )
        cursor.execute(_MOVE, {"limits": limits, "froms": froms, "tos": tos, "amounts": amounts})
