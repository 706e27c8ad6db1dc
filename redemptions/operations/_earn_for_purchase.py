"""Earn on purchases of any channel: what incentives that only award would have given for them (``docs/ledger.md``)."""

import datetime

import structlog
from django.db import transaction

from campaigns import queries as campaign_queries
from campaigns.operations import decide
from campaigns.rules.facts import Surroundings
from campaigns.rules.policy import Policy
from customers import queries as customer_queries
from customers.models import Purchase
from incentives_site.shared.problems import Problem

from .. import queries
from ..models import Outcome, PurchaseEarning
from ..rules.earning import basket_of, may_award
from ._awards import Occasion, award_on, hold_order
from ._ledger import lock_accounts_of, today_of_the_programme

AT_ONCE = 200
log = structlog.get_logger(__name__)


def earn_for_purchase(*, purchase: Purchase, now: datetime.datetime, by: str = "system") -> Outcome:
    """Look at ``purchase`` once and book what it earns; the outcome, the same when repeated.

    It is judged as of when it was placed, by what is live now and was launched before it. An order that was redeemed here earned
    there, and somebody unknown earns nothing. An order that is redeemed at the same time earns there or here, never twice.
    """
    with transaction.atomic():
        row, is_new = PurchaseEarning.objects.get_or_create(
            purchase=purchase, defaults={"outcome": Outcome.NOTHING, "looked_at": now}
        )
        if not is_new or purchase.customer is None:
            return Outcome(row.outcome)
        hold_order(purchase.order_key)
        if queries.was_redeemed(purchase):
            outcome = Outcome.REDEEMED
        else:
            outcome = Outcome.EARNED if _book(purchase, by, now) else Outcome.NOTHING
        if outcome is not Outcome.NOTHING:
            PurchaseEarning.objects.filter(pk=row.pk).update(outcome=outcome)
    return outcome


def earn_due(*, now: datetime.datetime, most: int = AT_ONCE) -> int:
    """Look at up to ``most`` purchases that nobody has looked at yet; how many. Safe to repeat and to run beside itself."""
    done = 0
    for purchase in queries.purchases_to_look_at(now=now).select_related("customer", "channel", "store")[:most]:
        try:
            earn_for_purchase(purchase=purchase, now=now)
        except Problem as problem:
            log.warning("purchase_not_decided", purchase=str(purchase.public_id), reason=problem.code)
            refused = {"outcome": Outcome.REFUSED, "looked_at": now}
            PurchaseEarning.objects.get_or_create(purchase=purchase, defaults=refused)
        done += 1
    return done


def _book(purchase: Purchase, by: str, now: datetime.datetime) -> bool:
    """Whether anything was awarded."""
    customer, placed_at = purchase.customer, purchase.placed_at
    if customer is None:
        return False
    store = purchase.store.key if purchase.store and purchase.store.is_active else ""
    basket = basket_of(queries.bought_in(purchase), currency=purchase.currency, paid=purchase.paid)
    found = campaign_queries.candidates(
        basket=basket, channel=purchase.channel.key, store=store, customer=customer, sent=(), now=placed_at
    )
    launched = {key: source.incentive.campaign.launched_at for key, source in found.sources.items()}
    asking = [item for item in found.candidates if may_award(item, launched_at=launched[item.key], placed_at=placed_at)]
    if found.channel is None or not asking:
        return False
    decision = decide(
        basket=basket,
        candidates=asking,
        groups=found.groups,
        policy=Policy(),
        unknown_codes=(),
        surroundings=Surroundings(
            now=placed_at,
            channel_key=found.channel.key,
            channel_kind=found.channel.kind,
            store_key=store,
            customer=customer_queries.known_of(customer),
        ),
    )
    applied = {found.sources[item.incentive].incentive: item for item in decision.applied if item.awards}
    if not applied:
        return False
    occasion = Occasion(
        key=queries.purchase_key(purchase.public_id),
        channel=purchase.channel,
        currency=purchase.currency,
        earned_at=placed_at,
        today=today_of_the_programme(placed_at),
    )
    lock_accounts_of(customer)
    award_on(occasion, customer=customer, applied=applied, by=by, now=now)
    return True
