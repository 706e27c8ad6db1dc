"""What redemptions holds for a customer: handed out, and forgotten when the customer is erased.

What was redeemed, returned and booked stays to the cent, and can be returned. What goes is who it was: numbers of orders, names
and attributes of lines, what was known of the customer, what was refused and why, words that somebody typed.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection
from django.db.models import CharField, F, Value
from django.db.models.functions import Cast, Concat

from customers.models import Customer
from customers.operations import Erasing, as_rows

from ..models import Account, Entry, Redemption, RedemptionLine, Reservation, Return

_TEXTS = """
UPDATE redemptions_redemption SET
    order_key = 'erased:' || id,
    basket = jsonb_set(basket - 'codes', '{lines}', coalesce(
        (SELECT jsonb_agg(line - 'name' - 'attributes' ORDER BY n)
         FROM jsonb_array_elements(basket -> 'lines') WITH ORDINALITY AS l (line, n)), '[]')),
    decision = decision || jsonb_build_object('inapplicable', '[]'::jsonb, 'skipped', '[]'::jsonb, 'applied', coalesce(
        (SELECT jsonb_agg(item - 'code' ORDER BY n)
         FROM jsonb_array_elements(decision -> 'applied') WITH ORDINALITY AS a (item, n)), '[]')),
    surroundings = surroundings || CASE WHEN surroundings ? 'customer' THEN '{"customer": {}}' ELSE '{}' END::jsonb
WHERE customer_id = ANY(%(customers)s)
"""
# What was counted for a customer is counted under another name; so are the entries and winners of contests.
_RENAME = (
    """UPDATE redemptions_appliedincentive a SET consumed = replace(consumed::text, %(old)s, %(new)s)::jsonb
       FROM redemptions_redemption r WHERE r.id = a.redemption_id AND r.customer_id = ANY(%(customers)s)
         AND strpos(consumed::text, %(old)s) > 0""",
    """UPDATE redemptions_contestdraw SET entries = replace(entries::text, %(old)s, %(new)s)::jsonb,
           winners = replace(winners::text, %(old)s, %(new)s)::jsonb
       WHERE strpos(entries::text, %(old)s) > 0 OR strpos(winners::text, %(old)s) > 0""",
)
# The ledger is append only: but for words, while a customer is erased (migration "words_of_erased_customers").
_REASONS = """
UPDATE redemptions_posting p SET reason = '' WHERE reason <> '' AND EXISTS (
    SELECT 1 FROM redemptions_entry e JOIN redemptions_account a ON a.id = e.account_id
    WHERE e.posting_id = p.id AND a.customer_id = ANY(%(customers)s))
"""


def erase_redemptions(erasing: Erasing) -> None:
    values: dict[str, Any] = {"customers": list(erasing.pks)}
    redemptions = Redemption.objects.filter(customer__in=erasing.pks)
    RedemptionLine.objects.filter(redemption__in=redemptions).update(name="")
    Return.objects.filter(redemption__in=redemptions).update(reason="")
    Reservation.objects.filter(customer__in=erasing.pks).update(
        order_key=Concat(Value("erased:"), Cast(F("pk"), CharField())), decision={}
    )
    with connection.cursor() as cursor:
        cursor.execute(_TEXTS, values)
        for old, new in erasing.names.items():
            for statement in _RENAME:
                cursor.execute(statement, values | {"old": old, "new": new})
            cursor.execute(
                "UPDATE redemptions_reservation SET demands = replace(demands::text, %(old)s, %(new)s)::jsonb "
                "WHERE customer_id = ANY(%(customers)s)",
                values | {"old": old, "new": new},
            )


def erase_accounts(erasing: Erasing) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_REASONS, {"customers": list(erasing.pks)})


def marks_of_redemptions(pks: Sequence[int]) -> Iterable[str]:
    """Ids of redemptions, returns and reservations. They stay on the rows, since a receipt is found by one."""
    for model, field in ((Redemption, "customer__in"), (Return, "redemption__customer__in"), (Reservation, "customer__in")):
        yield from map(str, model._default_manager.filter(**{field: pks}).values_list("public_id", flat=True))


def export_redemptions(customer: Customer) -> dict[str, Any]:
    redemptions = Redemption.objects.filter(customer=customer).order_by("pk")
    return {
        "redemptions": as_rows(redemptions, but={"customer"}),
        "lines": as_rows(RedemptionLine.objects.filter(redemption__in=redemptions).order_by("pk")),
        "returns": as_rows(Return.objects.filter(redemption__in=redemptions).order_by("pk")),
        "reservations": as_rows(Reservation.objects.filter(customer=customer).order_by("pk"), but={"customer"}),
    }


def export_accounts(customer: Customer) -> dict[str, Any]:
    accounts = Account.objects.filter(customer=customer).order_by("pk")
    entries = Entry.objects.filter(account__in=accounts).select_related("account", "posting").order_by("pk")
    return {
        "balances": as_rows(accounts, but={"customer"}),
        "movements": [
            {
                "kind": entry.account.kind,
                "unit": entry.account.unit,
                "amount": entry.amount,
                "what": entry.posting.kind,
                "why": entry.posting.reason,
                "at": entry.posting.posted_at,
            }
            for entry in entries
        ],
    }
