"""django-oscar's side: ``Applicator().apply(basket)`` on a basket that was just loaded, as its middleware does for a request."""

import os
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from benchmarks.engine.turns import serve


def prepare(workload: dict[str, Any]) -> tuple[Callable[[], int], dict[str, Any]]:
    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.peers.oscar.settings"
    import django

    django.setup()
    import oscar
    from django.core.management import call_command
    from django.db import connection
    from oscar.core.loading import get_class, get_model

    call_command("migrate", run_syncdb=True, verbosity=0)
    basket_id = _fill(workload)
    applicator = get_class("offer.applicator", "Applicator")
    strategy = get_class("partner.strategy", "Selector")().strategy()
    baskets = get_model("basket", "Basket").objects

    def loaded() -> Any:
        basket = baskets.get(pk=basket_id)
        basket.strategy = strategy
        return basket

    def once() -> int:
        basket = loaded()
        started = time.perf_counter_ns()
        applicator().apply(basket)
        return time.perf_counter_ns() - started

    basket, queries = loaded(), 0

    def counted(execute: Callable[..., Any], *asked: Any) -> Any:
        nonlocal queries
        queries += 1
        return execute(*asked)

    with connection.execute_wrapper(counted):
        applicator().apply(basket)
    lines = sorted(basket.all_lines(), key=lambda line: line.pk)
    said = {
        "lines": [int(line.discount_value * 100) for line in lines],
        "applied": len(list(basket.offer_applications)),
        "queries": queries,
        "version": oscar.get_version(),
    }
    return once, said


def _fill(workload: dict[str, Any]) -> int:
    """The offers and the basket of the workload; the basket's id."""
    from oscar.core.loading import get_class, get_model

    everything = get_model("offer", "Range").objects.create(name="Everything", includes_all_products=True)
    for number, incentive in enumerate(workload["incentives"]):
        benefit = get_model("offer", "Benefit").objects.create(
            range=everything, type="Percentage", value=Decimal(incentive["effect"]["percent"])
        )
        condition = get_model("offer", "Condition").objects.create(range=everything, type="Count", value=1)
        get_model("offer", "ConditionalOffer").objects.create(
            name=incentive["key"], condition=condition, benefit=benefit, exclusive=False, priority=-number
        )
    kind = get_model("catalogue", "ProductClass").objects.create(name="Goods", track_stock=False)
    partner = get_model("partner", "Partner").objects.create(name="Warehouse")
    basket = get_model("basket", "Basket").objects.create()
    basket.strategy = get_class("partner.strategy", "Selector")().strategy()
    for line in workload["basket"]["lines"]:
        product = get_model("catalogue", "Product").objects.create(product_class=kind, title=line["sku"], upc=line["sku"])
        product.stockrecords.create(partner=partner, partner_sku=line["sku"], price=Decimal(line["unit_price"]) / 100)
        basket.add_product(product, quantity=line["quantity"])
    return int(basket.pk)


if __name__ == "__main__":
    serve(prepare)
