"""What redemptions holds for a customer, when two customers become one or are taken apart.

Nothing in the ledger is edited: where both have an account of a kind, a posting moves the balance, and the lots follow.
"""

from typing import Any

from django.db import connection
from django.utils.translation import gettext as _now_in_words
from django.utils.translation import gettext_lazy as _

from campaigns.operations import rename_subject
from customers.models import Customer
from customers.operations import Holding, Moving, as_rows

from ..models import Account, CustomerTier, Lot, PostingKind, Redemption, Reservation
from ._erase import erase_accounts, erase_redemptions, export_accounts, export_redemptions, marks_of_redemptions
from ._ledger import Holder, account_of, move_balance

# --- Redemptions and reservations, with what they used of limits -----------------------------------------------------------

# What a customer used stands under its public id, in the redemption and in the counter (campaigns.rules.limits.subject_of).
_USED = """
SELECT (d ->> 0)::bigint, d ->> 1, sum((d ->> 2)::bigint) FROM (
    SELECT jsonb_array_elements(a.consumed) AS d FROM redemptions_appliedincentive a
    WHERE a.redemption_id = ANY(%(redemptions)s) AND a.restored_at IS NULL
    UNION ALL
    SELECT jsonb_array_elements(r.demands) FROM redemptions_reservation r
    WHERE r.id = ANY(%(reservations)s) AND r.state = 'active'
) AS used WHERE starts_with(d ->> 1, %(source)s) GROUP BY 1, 2
"""
_RENAME = (
    """UPDATE redemptions_appliedincentive SET consumed = replace(consumed::text, %(source)s, %(target)s)::jsonb
       WHERE redemption_id = ANY(%(redemptions)s) AND consumed::text LIKE '%%' || %(source)s || '%%'""",
    """UPDATE redemptions_reservation SET demands = replace(demands::text, %(source)s, %(target)s)::jsonb
       WHERE id = ANY(%(reservations)s) AND demands::text LIKE '%%' || %(source)s || '%%'""",
)


def _count_redemptions(customer: Customer) -> int:
    return Redemption.objects.filter(customer=customer).count() + Reservation.objects.filter(customer=customer).count()


def _move_redemptions(moving: Moving) -> dict[str, list[int]]:
    moved = {
        "redemptions": list(Redemption.objects.filter(customer=moving.source).values_list("pk", flat=True)),
        "reservations": list(Reservation.objects.filter(customer=moving.source).values_list("pk", flat=True)),
    }
    _hand_over(moved, moving.source, moving.target)
    return moved


def _put_redemptions_back(moving: Moving, moved: dict[str, list[int]]) -> None:
    still = {
        "redemptions": list(
            Redemption.objects.filter(pk__in=moved["redemptions"], customer=moving.target).values_list("pk", flat=True)
        ),
        "reservations": list(
            Reservation.objects.filter(pk__in=moved["reservations"], customer=moving.target).values_list("pk", flat=True)
        ),
    }
    _hand_over(still, moving.target, moving.source)


def _hand_over(what: dict[str, list[int]], source: Customer, target: Customer) -> None:
    before, after = str(source.public_id), str(target.public_id)
    values: dict[str, Any] = {**what, "source": before, "target": after}
    with connection.cursor() as cursor:
        cursor.execute(_USED, values)
        uses = {(limit, subject): int(amount) for limit, subject, amount in cursor.fetchall()}
        for statement in _RENAME:
            cursor.execute(statement, values)
    rename_subject(uses=uses, source=before, target=after)
    Redemption.objects.filter(pk__in=what["redemptions"]).update(customer=target)
    Reservation.objects.filter(pk__in=what["reservations"]).update(customer=target)


REDEMPTIONS = Holding(
    "redemptions",
    _("redemptions"),
    _count_redemptions,
    _move_redemptions,
    _put_redemptions_back,
    export_redemptions,
    erase_redemptions,
    marks_of_redemptions,
)


# --- Accounts --------------------------------------------------------------------------------------------------------------


def _count_accounts(customer: Customer) -> int:
    return Account.objects.filter(customer=customer).exclude(balance=0, lots=None).distinct().count()


def _accounts(moving: Moving) -> list[Account]:
    """Those of both, locked in the order of their ids."""
    found = Account.objects.select_for_update(of=("self",)).filter(customer__in=[moving.source, moving.target])
    return list(found.order_by("pk"))


def _move_accounts(moving: Moving) -> list[dict[str, Any]]:
    accounts = _accounts(moving)
    twins = {(a.kind, a.unit, a.contest): a for a in accounts if a.customer_id == moving.target.pk}
    moved = []
    for account in [a for a in accounts if a.customer_id == moving.source.pk]:
        lots = list(Lot.objects.filter(account=account).order_by("pk").values_list("pk", flat=True))
        twin = twins.get((account.kind, account.unit, account.contest))
        if not lots and not account.balance and twin is not None:
            continue
        moved.append({"account": account.pk, "twin": twin.pk if twin else None, "amount": account.balance, "lots": lots})
        if twin is None:
            Account.objects.filter(pk=account.pk).update(customer=moving.target)
        else:
            _carry(moving, account, twin, account.balance, lots, "into")
    return moved


def _put_accounts_back(moving: Moving, moved: list[dict[str, Any]]) -> None:
    accounts = {account.pk: account for account in _accounts(moving)}
    for item in moved:
        account = accounts[item["account"]]
        if item["twin"] is not None:
            twin = accounts[item["twin"]]
            lots = [pk for pk in item["lots"] if Lot.objects.filter(pk=pk, account=twin).exists()]
            _carry(moving, twin, account, _value(twin, lots, item), lots, "out")
        elif account.customer_id == moving.target.pk:
            # What came to it since stays with the survivor, in an account of its own.
            later = list(Lot.objects.filter(account=account).exclude(pk__in=item["lots"]).values_list("pk", flat=True))
            stays = _value(account, later, {"amount": max(account.balance - max(item["amount"], 0), 0)})
            Account.objects.filter(pk=account.pk).update(customer=moving.source)
            if later or stays:
                twin = account_of(Holder(account.kind, account.unit, moving.target, contest=account.contest))
                _carry(moving, account, twin, stays, later, "out")


def _value(account: Account, lots: list[int], item: dict[str, Any]) -> int:
    """What of the account's balance goes along: what is left of the lots, or of the amount where there are no lots."""
    if Lot.objects.filter(account=account).exists():
        return sum(Lot.objects.filter(pk__in=lots).values_list("remaining", flat=True))
    return min(int(item["amount"]), max(account.balance, 0))


def _carry(moving: Moving, source: Account, target: Account, amount: int, lots: list[int], way: str) -> None:
    Lot.objects.filter(pk__in=lots).update(account=target)
    if not amount:
        return
    why = _now_in_words("Two customers became one") if way == "into" else _now_in_words("Two customers were taken apart")
    move_balance(
        source=source,
        target=target,
        amount=amount,
        key=f"{moving.key}:{way}:{source.pk}:{moving.now.isoformat()}",
        by=moving.by,
        now=moving.now,
        reason=why,
        kind=PostingKind.ADJUST,
    )


ACCOUNTS = Holding(
    "accounts",
    _("accounts with points, credit or entries"),
    _count_accounts,
    _move_accounts,
    _put_accounts_back,
    export_accounts,
    erase_accounts,
)


# --- Tiers ------------------------------------------------------------------------------------------------------------------

_TIER = ("tier_id", "since_at", "changes", "refreshed_on")


def _count_tiers(customer: Customer) -> int:
    return CustomerTier.objects.filter(customer=customer).count()


def _move_tier(moving: Moving) -> dict[str, Any] | None:
    """The survivor keeps its own tier until tiers are refreshed; one who has none takes over the other's."""
    row = CustomerTier.objects.filter(customer=moving.source).values(*_TIER).first()
    if row is None:
        return None
    CustomerTier.objects.filter(customer=moving.source).delete()
    _made, is_new = CustomerTier.objects.get_or_create(customer=moving.target, defaults=row)
    said = {**row, "since_at": row["since_at"].isoformat(), "refreshed_on": row["refreshed_on"].isoformat()}
    return said | {"is_new": is_new}


def _put_tier_back(moving: Moving, moved: dict[str, Any] | None) -> None:
    if moved is not None:
        if moved["is_new"]:
            CustomerTier.objects.filter(customer=moving.target).delete()
        CustomerTier.objects.get_or_create(customer=moving.source, defaults={name: moved[name] for name in _TIER})


def _export_tier(customer: Customer) -> list[dict[str, Any]]:
    return as_rows(CustomerTier.objects.filter(customer=customer), but={"customer"})


TIERS = Holding("tier", _("tier"), _count_tiers, _move_tier, _put_tier_back, _export_tier)
