"""Use incentives on an order, for good: exactly once, in one short transaction."""

import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.models import Incentive, Per, TargetedCustomer
from campaigns.operations import Demand, consume, use_codes, use_grants
from campaigns.rules.decision import Applied
from customers.operations import track
from customers.rules.timeline import EventType
from incentives_site.shared.problems import FieldError, Invalid, Kind, Problem

from ..models import AppliedIncentive, Redemption, RedemptionLine
from ._awards import award
from ._ledger import NotEnough, activate_due, lock_accounts_of, today_of_the_programme
from ._quote import Quote, Request, quote
from ._tenders import pay

ATTEMPTS = 3


class NothingToRedeem(Problem):
    code = "nothing-to-redeem"
    title = gettext_lazy("No incentive applies to this order")
    kind = Kind.CONFLICT


class DecisionChanged(Problem):
    code = "decision-changed"
    title = gettext_lazy("What was quoted no longer holds")
    kind = Kind.CONFLICT


class OrderAlreadyRedeemed(Problem):
    code = "order-already-redeemed"
    title = gettext_lazy("This order was redeemed before")
    kind = Kind.CONFLICT


class _Lost(Exception):
    """Somebody else took the last of something between the decision and the write."""


def redeem(
    request: Request,
    *,
    source: str,
    order_key: str,
    placed_at: datetime.datetime | None,
    by: str,
    now: datetime.datetime,
    expected_discount: int | None = None,
    accept_changes: bool = False,
) -> Redemption:
    """Decide again at ``now``, use up limits and grants, and write down what happened.

    ``source`` and ``order_key`` name the order; ``expected_discount`` (minor units) is what the customer was told. Raises
    ``NothingToRedeem`` and ``DecisionChanged`` (both carry the new decision), ``OrderAlreadyRedeemed``, ``Invalid``.
    """
    _check_order(order_key, placed_at, now)
    if Redemption.objects.filter(source=source, order_key=order_key).exists():
        raise OrderAlreadyRedeemed(_("Each order is redeemed once. To change it, return it first."))
    lost = False
    for _attempt in range(ATTEMPTS):
        quoted = quote(request, now=now)
        _check_expectation(quoted, expected_discount, accept_changes=accept_changes, lost=lost)
        try:
            with transaction.atomic():
                return _write(quoted, source=source, order_key=order_key, placed_at=placed_at or now, by=by, now=now)
        except _Lost:
            lost = True
    raise DecisionChanged(_("Too many people want the same thing right now. Try again."), extras={"decision": quoted.data})


def _check_order(order_key: str, placed_at: datetime.datetime | None, now: datetime.datetime) -> None:
    errors = []
    if not 1 <= len(order_key) <= 100 or "\x00" in order_key:
        errors.append(FieldError("/order/id", "bad-text", _("An order has an id of 1 to 100 characters.")))
    if placed_at is not None and placed_at > now + datetime.timedelta(days=1):
        errors.append(FieldError("/order/placed_at", "in-the-future", _("The order cannot lie in the future.")))
    if errors:
        raise Invalid(errors=errors)


def _check_expectation(quoted: Quote, expected_discount: int | None, *, accept_changes: bool, lost: bool) -> None:
    decision = quoted.decision
    if not decision.applied:
        refused = [*decision.inapplicable, *decision.skipped]
        sent = [item for item in refused if item.code] or refused
        data = quoted.data
        said = {(item["code"], item.get("sent_code", "")): item["message"] for item in [*data["inapplicable"], *data["skipped"]]}
        sentences = dict.fromkeys(said[item.reason.value, item.code] for item in sent)
        raise NothingToRedeem(" ".join(sentences), extras={"decision": data})
    if accept_changes:
        return
    paid = {item.incentive: item.stored_value for item in decision.applied}
    short = [purse for purse in quoted.purses if purse.refusal or paid.get(purse.key, 0) < min(purse.wanted or 0, _left(quoted))]
    if short:
        raise DecisionChanged(_("Less can be paid with stored value than was meant."), extras={"decision": quoted.data})
    if lost or (expected_discount is not None and decision.totals.discount != expected_discount):
        raise DecisionChanged(_("Look at the new amounts before you go on."), extras={"decision": quoted.data})


def _left(quoted: Quote) -> int:
    """What there was to pay with stored value at most."""
    totals = quoted.decision.totals
    return totals.payable + totals.stored_value


def _write(
    quoted: Quote, *, source: str, order_key: str, placed_at: datetime.datetime, by: str, now: datetime.datetime
) -> Redemption:
    """Everything in one order for all: order, grants, codes, accounts by id, counters. The counters, which everybody else may be
    waiting for, come last: their locks are held as short as possible.
    """
    redemption = _write_order(quoted, source, order_key, placed_at, by, now)
    rows = [quoted.sources[item.incentive] for item in quoted.incentives]
    if not use_grants(grant_ids=[row.grant.pk for row in rows if row.grant], now=now):
        raise _Lost
    if not use_codes(code_ids=[row.code_id for row in rows if row.code_id], now=now):
        raise _Lost
    AppliedIncentive.objects.bulk_create(
        AppliedIncentive(
            redemption=redemption,
            position=position,
            incentive=row.incentive,
            campaign=row.incentive.campaign,
            grant=row.grant,
            code_id=row.code_id,
            amount=item.amount,
            consumed=[[demand.limit_id, demand.subject, demand.amount] for demand in _demands(quoted, item)],
            terms=terms_of(row.incentive),
        )
        for position, (row, item) in enumerate(zip(rows, quoted.incentives, strict=True))
    )
    _move_value(quoted, redemption, by, now)
    _tell_timeline(quoted, redemption, now)
    if not consume([demand for item in quoted.incentives for demand in _demands(quoted, item)]):
        raise _Lost
    return redemption


def _write_order(
    quoted: Quote, source: str, order_key: str, placed_at: datetime.datetime, by: str, now: datetime.datetime
) -> Redemption:
    request, decision = quoted.request, quoted.decision
    redemption = Redemption(
        source=source,
        order_key=order_key,
        customer=quoted.customer,
        channel=quoted.channel,
        store=quoted.store,
        currency=decision.currency,
        basket={**request.basket, "currency": request.currency, "codes": list(request.codes)},
        decision=quoted.data,
        initial=decision.totals.initial,
        discount=decision.totals.discount,
        stored_value=decision.totals.stored_value,
        payable=decision.totals.payable,
        surroundings=dict(quoted.surroundings),
        placed_at=placed_at,
        redeemed_at=now,
        actor=by,
    )
    try:
        with transaction.atomic():
            redemption.save(force_insert=True)
    except IntegrityError:
        raise OrderAlreadyRedeemed(_("Each order is redeemed once. To change it, return it first.")) from None
    RedemptionLine.objects.bulk_create(
        RedemptionLine(
            redemption=redemption,
            position=position,
            line=line.id,
            sku=line.sku,
            name=line.name,
            quantity=line.quantity,
            unit_price=line.unit_price,
            discount=paid.discount,
            stored_value=paid.stored_value,
            payable=paid.payable,
        )
        for position, (line, paid) in enumerate(zip(quoted.basket.lines, decision.lines, strict=True))
    )
    return redemption


def _move_value(quoted: Quote, redemption: Redemption, by: str, now: datetime.datetime) -> None:
    """Spend what pays, and book what is awarded. Somebody unknown can be given nothing: the decision says what it would be."""
    customer, items = quoted.customer, quoted.incentives
    if not quoted.purses and not any(item.awards for item in items):
        return
    today = today_of_the_programme(now)
    try:
        if customer is not None:
            if quoted.purses:
                activate_due(now=now, customer=customer)
            lock_accounts_of(customer)
        pay(redemption=redemption, purses=quoted.purses, applied=quoted.decision.applied, by=by, now=now, today=today)
    except NotEnough:
        raise _Lost from None
    if customer is not None:
        applied = {quoted.sources[item.incentive].incentive: item for item in items}
        award(redemption=redemption, customer=customer, applied=applied, by=by, now=now, today=today)


def terms_of(incentive: Incentive) -> dict[str, object]:
    """What the incentive promises now, in the language of simulations, so that it can be judged again later."""
    group = incentive.stack_group
    return {
        "effect": incentive.effect,
        "conditions": incentive.conditions,
        "awards": incentive.awards,
        "priority": incentive.priority,
        "time_zone": incentive.campaign.time_zone,
        "group": {
            "key": group.key,
            "eligibility": group.eligibility,
            "rank": group.rank,
            "limit": group.limit,
            "pick": group.pick,
            "scope": group.scope,
            "base": group.base or None,
            "consume_without_effect": group.consume_without_effect,
        },
    }


def _tell_timeline(quoted: Quote, redemption: Redemption, now: datetime.datetime) -> None:
    customer = quoted.customer
    if customer is None:
        return
    campaigns = {quoted.sources[item.incentive].incentive.campaign_id for item in quoted.incentives}
    TargetedCustomer.objects.bulk_create(
        [TargetedCustomer(campaign_id=pk, customer=customer, targeted_at=now) for pk in sorted(campaigns)], ignore_conflicts=True
    )
    track(
        customer=customer,
        type=EventType.REDEEMED,
        source="redemptions",
        message_id=f"redeemed:{redemption.public_id}",
        occurred_at=now,
        received_at=now,
        channel=redemption.channel,
        name=", ".join(item.name for item in quoted.incentives)[:200],
        properties={
            "redemption": str(redemption.public_id),
            "order": redemption.order_key,
            "currency": redemption.currency,
            "discount": redemption.discount,
            "payable": redemption.payable,
            "store": redemption.store.key if redemption.store else None,
        },
    )


def _demands(quoted: Quote, item: Applied) -> list[Demand]:
    """What one applied incentive uses of each limit that guards it, by the customer or by all."""
    customer = str(quoted.customer.public_id) if quoted.customer else ""
    return [
        Demand(
            limit.id,
            customer if limit.per == Per.CUSTOMER else "",
            limit.wanted(amount=item.amount, units=item.units),
        )
        for limit in quoted.limits[item.incentive]
    ]
