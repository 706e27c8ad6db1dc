"""pretix's side: ``Discount.apply`` of one rule after the other, as its pricing service calls it, on objects in memory.

The database is left out on purpose: rules and their products are loaded before, as after its own prefetching.
"""

import os
import time
from collections.abc import Callable
from decimal import Decimal
from importlib.metadata import version
from typing import Any

from benchmarks.engine.turns import serve


def prepare(workload: dict[str, Any]) -> tuple[Callable[[], int], dict[str, Any]]:
    os.environ["DJANGO_SETTINGS_MODULE"] = "pretix.testutils.settings"
    import django

    django.setup()
    from django_scopes import scopes_disabled
    from pretix.base.models.discount import PositionInfo

    given = workload["simulation"]
    articles: dict[str, int] = {}
    lines = given["basket"]["lines"]
    positions = {
        index: PositionInfo(
            item_id=articles.setdefault(line["categories"][0], len(articles) + 1),
            subevent_id=None,
            subevent_date_from=None,
            line_price_gross=Decimal(line["unit_price"]) / 100,
            addon_to=None,
            voucher_discount=Decimal("0.00"),
        )
        for index, line in enumerate(lines)
    }
    with scopes_disabled():
        discounts = [_discount(number, incentive, articles) for number, incentive in enumerate(given["incentives"], 1)]

    def apply() -> dict[int, Decimal]:
        prices: dict[int, Decimal] = {}
        left = positions
        for discount in discounts:
            consumed = discount.apply(left)
            if consumed:
                prices.update(consumed)
                left = {index: position for index, position in left.items() if index not in prices}
        return prices

    def once() -> int:
        with scopes_disabled():
            started = time.perf_counter_ns()
            apply()
            return time.perf_counter_ns() - started

    with scopes_disabled():
        prices = apply()
    said = {
        "lines": [
            int((position.line_price_gross - prices.get(index, position.line_price_gross)) * 100)
            for index, position in positions.items()
        ],
        "applied": len(prices),
        "version": version("pretix"),
    }
    return once, said


def _discount(number: int, incentive: dict[str, Any], articles: dict[str, int]) -> Any:
    from pretix.base.models import Discount, Event, Item

    condition = incentive["conditions"]["all"][0]
    article = condition["fact"].rpartition(":")[2]
    # What prefetching leaves behind: a queryset that knows its rows.
    known = Item.objects.none()
    known._result_cache = [Item(pk=articles.setdefault(article, len(articles) + 1))]
    discount = Discount(
        pk=number,
        event=Event(pk=1, currency="USD"),
        internal_name=incentive["key"],
        condition_all_products=False,
        condition_min_count=condition["value"],
        benefit_discount_matching_percent=Decimal(incentive["effect"]["percent"]),
    )
    discount._prefetched_objects_cache = {"condition_limit_products": known}
    return discount


if __name__ == "__main__":
    serve(prepare)
