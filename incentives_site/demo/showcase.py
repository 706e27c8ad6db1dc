"""The demonstration's own campaigns, on top of the data: live ones, a scheduled one, a draft, and customers who hold something.

They are made by the same operations as any other campaign, as if somebody had launched them some days ago.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Sum

from campaigns import operations as campaign_operations
from campaigns.models import Campaign, Claim, Goal, Incentive, StackGroup
from customers.models import Channel, Customer, PurchaseLine
from redemptions import operations as redemption_operations

from . import files
from .households import CARD
from .places import DEMO_STORE

SOURCE = "demo"
BY = "system"
GRANTED_TO = 25
OCCASION = "welcome-back"
# From collecting an incentive in the web shop to using it in a store.
LATER = dt.timedelta(hours=29)
# Uses of the codes: hours before now, and where.
WORD_USES = ((216, "web"), (190, "store"), (167, "web"), (140, "app"), (121, "store"), (96, "web"), (70, "store"), (47, "web"))
REGULAR_USES = ((80, "store"), (52, "web"), (27, "store"), (3, "store"))


@dataclass(frozen=True, slots=True)
class Plan:
    """A campaign to be. ``starts_in`` and ``ends_in`` are days from now; a plan without incentive stays a draft."""

    key: str
    name: str
    promise: str
    goal: Goal
    channels: tuple[str, ...]
    starts_in: int | None = None
    ends_in: int | None = None
    audience: Mapping[str, Any] | None = None
    budget: int | None = None
    incentive: Mapping[str, Any] | None = None
    group: str = "default"


WELCOME_BACK = Plan(
    key="welcome-back",
    name="Welcome back: 5 off your next shop",
    promise="Five dollars off your next shop of 25 dollars or more: collect it in the web shop, use it in any store.",
    goal=Goal.RETENTION,
    channels=("web", "app", "store"),
    starts_in=-10,
    ends_in=50,
    budget=250_000,
    incentive={
        "key": "five-off",
        "name": "5 off a shop of 25 or more",
        "claim": Claim.GRANT,
        "effect": {"type": "amount_off", "amount": 500, "allocation": "by_amount", "target": {"scope": "order"}},
        "conditions": {"all": [{"fact": "basket.initial_total", "op": ">=", "value": 2500}]},
        "valid_days": 45,
        "total_uses": 500,
        "uses_per_customer": 1,
    },
)
PLANS = (
    WELCOME_BACK,
    Plan(
        key="summer",
        name="Ten percent for whoever knows the word",
        promise="Say SUMMER10 at the till or type it in the web shop: ten percent off everything, at most 20 dollars.",
        goal=Goal.SALES,
        channels=("web", "app", "store", "social", "call_centre"),
        starts_in=-10,
        ends_in=80,
        budget=500_000,
        incentive={
            "key": "ten-percent",
            "name": "10 % off everything",
            "claim": Claim.CODE,
            "code": "SUMMER10",
            "effect": {"type": "percent_off", "percent": "10", "max_amount": 2000, "target": {"scope": "order"}},
            "total_uses": 1000,
            "uses_per_customer": 2,
        },
    ),
    Plan(
        key="regulars",
        name="Regulars' twenty",
        promise="Twenty percent off one shop for our regular customers. It does not combine with anything else.",
        goal=Goal.RETENTION,
        channels=("web", "store"),
        starts_in=-4,
        ends_in=26,
        audience={"all": [{"fact": "customer.orders", "op": ">=", "value": 100}]},
        budget=300_000,
        incentive={
            "key": "twenty-percent",
            "name": "20 % off one shop",
            "claim": Claim.CODE,
            "code": "REGULAR20",
            "effect": {"type": "percent_off", "percent": "20", "max_amount": 1500, "target": {"scope": "order"}},
            "uses_per_customer": 1,
        },
        group="exclusive",
    ),
    Plan(
        key="coffee",
        name="Coffee week",
        promise="Fifteen percent off coffee, in every store and in the web shop. Nothing to show.",
        goal=Goal.SALES,
        channels=("web", "app", "store"),
        starts_in=14,
        ends_in=21,
        audience={"all": [{"fact": "customer.orders", "op": ">=", "value": 20}]},
        incentive={
            "key": "coffee",
            "name": "15 % off coffee",
            "claim": Claim.AUTOMATIC,
            "effect": {
                "type": "percent_off",
                "percent": "15",
                "target": {"scope": "lines", "include": {"categories": ["COFFEE"]}},
            },
        },
    ),
    Plan(
        key="new-parents",
        name="New parents",
        promise="Something for households that have begun to buy baby food.",
        goal=Goal.ACTIVATION,
        channels=("email", "store"),
        audience={"all": [{"fact": "customer.favourite_category", "op": "==", "value": "BABY FOODS"}]},
    ),
)


def load(channels: dict[str, Channel], now: dt.datetime) -> bool:
    """Everything in one transaction. Returns whether anything had to be made. The data must be there."""
    if Campaign.objects.filter(source=SOURCE).exists():
        return False
    with transaction.atomic():
        groups = {group.key: group for group in StackGroup.objects.all()}
        made = {plan.key: _make(plan, channels, groups, now) for plan in PLANS}
        regulars = _regulars()
        holders, others = regulars[:GRANTED_TO], regulars[GRANTED_TO:]
        granted_at = _grant(made[WELCOME_BACK.key], holders, channels["web"], now)
        _redeem(holders, granted_at, others, channels, now)
    return True


def _make(plan: Plan, channels: dict[str, Channel], groups: dict[str, StackGroup], now: dt.datetime) -> Campaign:
    fields = {
        "name": plan.name,
        "promise": plan.promise,
        "goal": plan.goal,
        "starts_at": _days_from(now, plan.starts_in),
        "ends_at": _days_from(now, plan.ends_in),
        "time_zone": files.ZONE_NAME,
        "currency": files.CURRENCY,
        "audience": plan.audience,
    }
    campaign = campaign_operations.draft(
        by=BY, fields=fields, channels=[channels[key] for key in plan.channels], budget=plan.budget
    )
    Campaign.objects.filter(pk=campaign.pk).update(source=SOURCE, source_key=plan.key)
    if plan.incentive is None:
        return campaign
    campaign_operations.add_incentive(campaign=campaign, by=BY, stack_group=groups[plan.group], **plan.incentive)
    launched_at = min(now, campaign.starts_at or now)
    campaign = campaign_operations.launch(campaign=campaign, by=BY, now=launched_at)
    # The launch leaves this to a task; here it should be there when the first page is opened.
    campaign_operations.target_audience(campaign=campaign, now=launched_at)
    return campaign


def _days_from(now: dt.datetime, days: int | None) -> dt.datetime | None:
    """Whole days from now, at a full hour."""
    return None if days is None else now.replace(minute=0, second=0, microsecond=0) + dt.timedelta(days=days)


def _regulars() -> list[Customer]:
    """Those with the most orders: their pages tell most."""
    known = Customer.objects.filter(facts__orders__gte=20, identities__kind=CARD).order_by("-facts__orders", "pk")
    return list(known[: GRANTED_TO + len(WORD_USES) + len(REGULAR_USES)])


def _grant(campaign: Campaign, holders: list[Customer], channel: Channel, now: dt.datetime) -> list[dt.datetime]:
    """Regular customers collected it in the web shop, one after the other since the launch; returns when."""
    incentive = Incentive.objects.get(campaign=campaign)
    since = campaign.starts_at or now
    moments = [since + number * (now - since) / (len(holders) + 1) for number in range(1, len(holders) + 1)]
    for customer, moment in zip(holders, moments, strict=True):
        campaign_operations.grant(customer=customer, incentive=incentive, channel=channel, by=BY, now=moment, occasion=OCCASION)
    return moments


def _redeem(
    holders: list[Customer], granted_at: list[dt.datetime], others: list[Customer], channels: dict[str, Channel], now: dt.datetime
) -> None:
    """Every second of the early holders has used it in a store; others came with a code. The last of all was returned."""
    uses: list[tuple[Customer, dt.datetime, str, tuple[str, ...]]] = [
        (customer, moment + LATER, "store", ())
        for customer, moment in list(zip(holders, granted_at, strict=True))[::2]
        if moment + LATER < now
    ]
    coming = iter(others)
    for hours_ago, channel in WORD_USES:
        uses.append((next(coming), now - dt.timedelta(hours=hours_ago), channel, ("SUMMER10",)))
    for hours_ago, channel in REGULAR_USES:
        uses.append((next(coming), now - dt.timedelta(hours=hours_ago), channel, ("REGULAR20",)))
    redeemed = None
    for number, (customer, moment, channel, sent) in enumerate(sorted(uses, key=lambda use: use[1]), start=1):
        basket = _basket_like_the_last(customer)
        request = redemption_operations.Request(
            currency=files.CURRENCY,
            basket=basket,
            channel=channels[channel].key,
            customer=customer,
            store=DEMO_STORE if channel == "store" else "",
            codes=sent,
        )
        redeemed = redemption_operations.redeem(
            request, source=SOURCE, order_key=f"demo-{number:04d}", placed_at=moment, by=BY, now=moment
        )
    if redeemed:
        redemption_operations.give_back(redemption=redeemed, by=BY, now=now, reason="Bought by mistake")


def _basket_like_the_last(customer: Customer) -> dict[str, Any]:
    """What the customer bought the last time it was for 30 dollars or more: products of the data at the prices paid."""
    # Fuel is sold by the thousandth of a gallon and would make a strange basket.
    usual = PurchaseLine.objects.filter(purchase__customer=customer, paid__gt=0, quantity__range=(1, 20))
    totals = usual.values("purchase").annotate(total=Sum("paid")).filter(total__gte=3000)
    last = totals.order_by("-purchase__placed_at", "-purchase").values("purchase")[:1]
    lines = usual.filter(purchase__in=last).order_by("position")
    return {
        "lines": [
            {
                "id": str(line.position + 1),
                "sku": line.sku,
                "name": line.name or line.sku,
                "categories": [line.category] if line.category else [],
                "brand": line.brand,
                "quantity": line.quantity,
                "unit_price": line.paid // line.quantity,
            }
            for line in lines[:100]
        ]
    }
