"""Coupon redemptions of the files → redemptions in the stores."""

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from campaigns.models import Campaign, Grant, Incentive
from customers.models import Channel, Event, Store
from customers.rules.timeline import EventType
from incentives_site.shared.copying import copy_rows, reserve_ids
from redemptions.models import AppliedIncentive, Redemption

from . import files
from .households import customer_ids, public_id
from .matching import Match
from .places import store_key
from .progress import Report

ACTOR = "import:completejourney"
Order = tuple[int, dt.date, int | None]  # household, date, basket


def load(matches: Iterable[Match], channels: dict[str, Channel], now: dt.datetime, report: Report) -> None:
    """One redemption for each household, date and basket, with one applied incentive for each row of the file.

    In the caller's transaction. The campaigns, incentives and grants must be there.
    """
    orders: dict[Order, list[Match]] = defaultdict(list)
    for found in matches:
        orders[found.use.household, found.use.date, found.basket.key if found.basket else None].append(found)
    households, stores = customer_ids(), dict(Store.objects.values_list("key", "pk"))
    campaigns = {
        int(key): (id_, name)
        for key, id_, name in Campaign.objects.filter(source=files.SOURCE).values_list("source_key", "pk", "name")
    }
    incentives = {
        (campaign, key): id_
        for campaign, key, id_ in Incentive.objects.filter(campaign__source=files.SOURCE).values_list("campaign", "key", "pk")
    }
    grants = dict(Grant.objects.filter(incentive__campaign__source=files.SOURCE).values_list("public_id", "pk"))
    ids = dict(zip(orders, reserve_ids(Redemption, len(orders)), strict=True))
    channel = channels["store"].pk
    step = report.step("redemptions", sum(map(len, orders.values())))

    def redemptions() -> Iterator[tuple[Any, ...]]:
        for order, found in orders.items():
            basket = found[0].basket
            amounts = [match.amount for match in found]
            # What the coupons gave together is known when it is known of each; what was paid, whenever the basket is.
            discount = sum(a for a in amounts if a is not None) if basket and None not in amounts else None
            payable = basket.paid if basket else None
            initial = payable + discount if payable is not None and discount is not None else None
            yield (
                ids[order],
                public_id("redemption", order_key(order)),
                files.SOURCE,
                order_key(order),
                households[order[0]],
                channel,
                stores[store_key(basket.store)] if basket else None,
                files.CURRENCY,
                json.dumps(_basket(found)),
                json.dumps(_decision(found)),
                initial,
                discount,
                payable,
                found[0].redeemed_at,
                found[0].redeemed_at,
                ACTOR,
            )

    def applied() -> Iterator[tuple[Any, ...]]:
        for order, found in orders.items():
            for position, match in enumerate(found):
                use = match.use
                campaign = campaigns[use.mailing][0]
                # A second use of a coupon has no grant: only one was given.
                grant = grants.get(public_id("grant", use.household, use.upc, use.mailing)) if use.nth == 1 else None
                yield ids[order], position, incentives[campaign, f"upc-{use.upc}"], campaign, grant, match.amount, "[]"

    def events() -> Iterator[tuple[Any, ...]]:
        for order, found in orders.items():
            for match in found:
                use = match.use
                _campaign, name = campaigns[use.mailing]
                message_id = f"redeemed:{use.household}:{use.upc}:{use.mailing}:{use.date}:{use.nth}"
                properties = {
                    "redemption": str(public_id("redemption", order_key(order))),
                    "order": order_key(order),
                    "campaign": name,
                    "currency": files.CURRENCY,
                    "discount": match.amount,
                    "payable": match.basket.paid if match.basket else None,
                    "store": store_key(match.basket.store) if match.basket else None,
                }
                yield (
                    public_id("event", message_id),
                    households[use.household],
                    EventType.REDEEMED.value,
                    name,
                    channel,
                    match.redeemed_at,
                    now,
                    files.SOURCE,
                    message_id,
                    json.dumps(properties),
                )

    fields = ["id", "public_id", "source", "order_key", "customer", "channel", "store", "currency", "basket", "decision"]
    copy_rows(Redemption, [*fields, "initial", "discount", "payable", "placed_at", "redeemed_at", "actor"], redemptions())
    fields = ["redemption", "position", "incentive", "campaign", "grant", "amount", "consumed"]
    copy_rows(AppliedIncentive, fields, applied(), progress=step)
    fields = ["public_id", "customer", "type", "name", "channel", "occurred_at", "received_at", "source", "message_id"]
    copy_rows(Event, [*fields, "properties"], events())
    step.finish()


def order_key(order: Order) -> str:
    """The basket's number, else ``900:2017-03-09`` for household 900 on a day of which the basket is not known."""
    household, date, basket = order
    return str(basket) if basket is not None else f"{household}:{date}"


def _basket(found: list[Match]) -> dict[str, Any]:
    basket = found[0].basket
    recorded: dict[str, Any] = {"recorded": True, "order": None}
    if basket:
        recorded["order"] = {"source": files.SOURCE, "key": str(basket.key)}
        recorded["paid"] = basket.paid
        # Of all coupons in the basket, also those of no campaign.
        recorded["coupon_discount"] = basket.coupon_discount
    return recorded


def _decision(found: list[Match]) -> dict[str, Any]:
    return {
        "recorded": True,
        "applied": [
            {
                "incentive": f"upc-{match.use.upc}",
                "campaign": str(match.use.mailing),
                "amount": match.amount,
                "row": match.use.row,
            }
            for match in found
        ],
    }
