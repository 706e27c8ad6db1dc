"""What campaigns holds for a customer, when two become one or are taken apart: the wallet, and what addressed it."""

from typing import Any

from django.db import connection
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from customers.operations import Holding, Moving

from ..models import Grant, TargetedCustomer

# Both may have been given an incentive on the same occasion. What was promised is kept: the occasion is then told apart.
_GRANTS = """
UPDATE campaigns_grant g SET customer_id = %(target)s, occasion = CASE WHEN EXISTS (
        SELECT 1 FROM campaigns_grant o
        WHERE o.customer_id = %(target)s AND o.incentive_id = g.incentive_id AND o.occasion = g.occasion
    ) THEN left(g.occasion, 70) || ' · ' || %(key)s ELSE g.occasion END
FROM campaigns_grant was WHERE was.id = g.id AND g.customer_id = %(source)s
RETURNING g.id, was.occasion
"""
_GRANTS_BACK = """
UPDATE campaigns_grant g SET customer_id = %(source)s, occasion = was.occasion
FROM unnest(%(ids)s::bigint[], %(occasions)s::text[]) AS was (id, occasion)
WHERE was.id = g.id AND g.customer_id = %(target)s
"""


def _move_grants(moving: Moving) -> list[list[Any]]:
    with connection.cursor() as cursor:
        cursor.execute(_GRANTS, {"target": moving.target.pk, "source": moving.source.pk, "key": moving.key})
        return [[pk, occasion] for pk, occasion in sorted(cursor.fetchall())]


def _put_grants_back(moving: Moving, moved: list[list[Any]]) -> None:
    values = {"ids": [pk for pk, _occasion in moved], "occasions": [occasion for _pk, occasion in moved]}
    with connection.cursor() as cursor:
        cursor.execute(_GRANTS_BACK, values | {"target": moving.target.pk, "source": moving.source.pk})


def _move_targeted(moving: Moving) -> dict[str, Any]:
    """A campaign addresses one customer once: where both were addressed, the earlier stays."""
    theirs = {
        row.campaign_id: row for row in TargetedCustomer.objects.select_for_update(of=("self",)).filter(customer=moving.target)
    }
    moved, twice = [], []
    for row in TargetedCustomer.objects.filter(customer=moving.source):
        if row.campaign_id in theirs:
            twice.append([row.campaign_id, row.targeted_at.isoformat()])
            row.delete()
        else:
            moved.append(row.pk)
    TargetedCustomer.objects.filter(pk__in=moved).update(customer=moving.target)
    return {"moved": moved, "twice": twice}


def _put_targeted_back(moving: Moving, moved: dict[str, Any]) -> None:
    TargetedCustomer.objects.filter(pk__in=moved["moved"], customer=moving.target).update(customer=moving.source)
    TargetedCustomer.objects.bulk_create(
        (TargetedCustomer(campaign_id=pk, customer=moving.source, targeted_at=at) for pk, at in moved["twice"]),
        ignore_conflicts=True,
    )


def _count_grants(customer: Customer) -> int:
    return Grant.objects.filter(customer=customer).count()


def _count_targeted(customer: Customer) -> int:
    return TargetedCustomer.objects.filter(customer=customer).count()


WALLET = Holding("wallet", _("incentives in the wallet"), _count_grants, _move_grants, _put_grants_back)
TARGETED = Holding("targeted", _("campaigns it was addressed by"), _count_targeted, _move_targeted, _put_targeted_back)
