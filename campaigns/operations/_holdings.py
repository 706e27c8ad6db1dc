"""What campaigns holds for a customer, the wallet and what addressed it: moved by a merge, handed out, forgotten."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection
from django.db.models import CharField, F, Value
from django.db.models.functions import Cast, Concat
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from customers.operations import Erasing, Holding, Moving, as_rows

from .. import sealing
from ..models import Code, Grant, GrantState, TargetedCustomer

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


# --- Handing out, and forgetting ------------------------------------------------------------------------------------------


def _export_grants(customer: Customer) -> list[dict[str, Any]]:
    grants = Grant.objects.filter(customer=customer).order_by("pk")
    texts = {code.grant_id: sealing.open_seal(code.sealed) for code in Code.objects.filter(grant__customer=customer)}
    pks = grants.values_list("pk", flat=True)
    return [row | {"code": texts.get(pk, "")} for pk, row in zip(pks, as_rows(grants, but={"customer"}), strict=True)]


def _marks_of_grants(pks: Sequence[int]) -> Iterable[str]:
    return map(str, Grant.objects.filter(customer__in=pks).values_list("public_id", flat=True))


def _erase_grants(erasing: Erasing) -> None:
    """That it was given, and used or not, stays for the figures. What was not used can be used by nobody."""
    grants = Grant.objects.filter(customer__in=erasing.pks)
    Code.objects.filter(grant__in=grants).delete()
    grants.filter(state__in=[GrantState.HELD, GrantState.RESERVED]).update(state=GrantState.WITHDRAWN)
    grants.update(occasion=Concat(Value("erased:"), Cast(F("pk"), CharField())))
    with connection.cursor() as cursor:
        for old, new in erasing.names.items():
            cursor.execute(
                "UPDATE campaigns_limitcounter SET subject = replace(subject, %(old)s, %(new)s) "
                "WHERE starts_with(subject, %(old)s)",
                {"old": old, "new": new},
            )


def _export_targeted(customer: Customer) -> list[dict[str, Any]]:
    return as_rows(TargetedCustomer.objects.filter(customer=customer).order_by("pk"), but={"customer"})


WALLET = Holding(
    "wallet",
    _("incentives in the wallet"),
    _count_grants,
    _move_grants,
    _put_grants_back,
    _export_grants,
    _erase_grants,
    _marks_of_grants,
)
TARGETED = Holding(
    "targeted",
    _("campaigns it was addressed by"),
    _count_targeted,
    _move_targeted,
    _put_targeted_back,
    _export_targeted,
    has_worth=False,
)
