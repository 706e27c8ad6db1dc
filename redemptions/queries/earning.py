"""Which purchases have not been looked at yet for what they earn, and how they were bought."""

import datetime
import uuid

from django.db.models import Exists, OuterRef, Q, QuerySet

from campaigns import queries as campaign_queries
from customers.models import Purchase

from ..models import Outcome, PurchaseEarning, Redemption
from ..rules.earning import Bought

# A purchase that reaches us later than this after it was made earns nothing: the search looks at these days alone.
EARNS_WITHIN = datetime.timedelta(days=30)


def purchases_to_look_at(*, now: datetime.datetime) -> QuerySet[Purchase]:
    """Those of known customers since something live can be earned on, oldest first; none while nothing can be."""
    launched_at = campaign_queries.earning_since()
    if launched_at is None:
        return Purchase.objects.none()
    since = max(launched_at, now - EARNS_WITHIN)
    looked_at = PurchaseEarning.objects.filter(purchase=OuterRef("pk"))
    found = Purchase.objects.filter(placed_at__gte=since, placed_at__lte=now, customer__isnull=False)
    return found.exclude(Exists(looked_at)).order_by("placed_at", "pk")


def was_redeemed(purchase: Purchase) -> bool:
    """Whether the order was redeemed here: named by the same source, or by any other for the same customer."""
    orders = Redemption.objects.filter(order_key=purchase.order_key)
    return orders.filter(source=purchase.source).exists() or orders.filter(customer=purchase.customer_id).exists()


def earned_as_purchase(redemption: Redemption) -> list[str]:
    """What the keys of the postings begin with that the order of the redemption earned as a purchase, before it was redeemed."""
    same = Q(source=redemption.source) | Q(customer=redemption.customer_id)
    earned = PurchaseEarning.objects.filter(purchase=OuterRef("pk"), outcome=Outcome.EARNED)
    found = Purchase.objects.filter(same, Exists(earned), order_key=redemption.order_key).order_by("pk")
    return [purchase_key(public_id) for public_id in found.values_list("public_id", flat=True)]


def purchase_key(public_id: uuid.UUID) -> str:
    """What the keys of the postings of a purchase begin with."""
    return f"purchase:{public_id}"


def bought_in(purchase: Purchase) -> list[Bought]:
    """The purchase's lines, in its order."""
    rows = purchase.lines.order_by("position").values_list("sku", "quantity", "paid", "name", "category", "brand")
    return [Bought(*row) for row in rows]
