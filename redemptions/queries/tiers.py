"""What is counted for tiers, and whose tier has not been looked at today."""

import datetime
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from campaigns.models import LoyaltyProgramme
from campaigns.rules.tiers import Counted, TiersBy
from customers.models import Customer, Purchase

from ..models import Account, AccountKind, CustomerTier, Entry, PostingKind, Redemption

POINTS = [AccountKind.POINTS, AccountKind.POINTS_PENDING]


def counted_for_tiers(customer: Customer, programme: LoyaltyProgramme) -> list[Counted]:
    """Everything of the customer that the programme counts, by the day it was earned or bought."""
    zone = ZoneInfo(programme.time_zone)
    rows = _points(customer) if programme.tiers_by == TiersBy.POINTS else _spend(customer, programme.tier_currency)
    return [Counted(at.astimezone(zone).date(), amount) for at, amount in rows if amount > 0]


def _points(customer: Customer) -> list[tuple[datetime.datetime, int]]:
    """What was earned, less what was taken back of it; spending and ending take nothing off."""
    entries = Entry.objects.filter(account__customer=customer, account__kind__in=POINTS)
    taken = entries.filter(posting__kind=PostingKind.TAKE_BACK).values_list("posting__undoes", "amount")
    back: dict[int | None, int] = {}
    for earned, amount in taken:
        back[earned] = back.get(earned, 0) + amount
    earned_rows = entries.filter(posting__kind=PostingKind.EARN).values_list("posting", "posting__posted_at", "amount")
    return [(at, amount + back.get(posting, 0)) for posting, at, amount in earned_rows]


def _spend(customer: Customer, currency: str) -> list[tuple[datetime.datetime, int]]:
    """Each order once: as it was redeemed here, less what was paid back, or else as it was reported."""
    redemptions = Redemption.objects.filter(customer=customer, currency=currency, payable__isnull=False)
    redeemed = redemptions.annotate(back=Coalesce(Sum("returns__amount"), 0)).values_list("placed_at", "payable", "back")
    same = redemptions.filter(order_key=OuterRef("order_key"))
    reported = Purchase.objects.filter(customer=customer, currency=currency).exclude(Exists(same))
    return [(at, payable - back) for at, payable, back in redeemed] + list(reported.values_list("placed_at", "paid"))


def customers_to_refresh(*, on: datetime.date, after: int) -> QuerySet[Customer]:
    """Those who ever bought or earned anything and whose tier was not looked at on the day ``on``, by id from ``after`` on."""
    mine = Q(customer=OuterRef("pk"))
    has_something = (
        Exists(Purchase.objects.filter(mine))
        | Exists(Redemption.objects.filter(mine))
        | Exists(Account.objects.filter(mine, kind__in=POINTS))
    )
    seen = CustomerTier.objects.filter(mine, refreshed_on__gte=on)
    return Customer.objects.filter(has_something, pk__gt=after).exclude(Exists(seen)).order_by("pk")
