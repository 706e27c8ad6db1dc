"""Use incentives on an order, for good: exactly once, in one short transaction."""

import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.models import Per, TargetedCustomer
from campaigns.operations import Demand, consume, use_grants
from campaigns.rules.decision import Applied
from customers.operations import track
from customers.rules.timeline import EventType
from incentives_site.shared.problems import FieldError, Invalid, Kind, Problem

from ..models import AppliedIncentive, Redemption
from ._quote import Quote, Request, quote

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
    if lost or (expected_discount is not None and decision.totals.discount != expected_discount):
        raise DecisionChanged(_("Look at the new amounts before you go on."), extras={"decision": quoted.data})


def _write(
    quoted: Quote, *, source: str, order_key: str, placed_at: datetime.datetime, by: str, now: datetime.datetime
) -> Redemption:
    """The counters, which everybody else may be waiting for, come last: their locks are held as short as possible."""
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
        payable=decision.totals.payable,
        placed_at=placed_at,
        redeemed_at=now,
        actor=by,
    )
    try:
        with transaction.atomic():
            redemption.save(force_insert=True)
    except IntegrityError:
        raise OrderAlreadyRedeemed(_("Each order is redeemed once. To change it, return it first.")) from None
    rows = [quoted.sources[item.incentive] for item in decision.applied]
    if not use_grants(grant_ids=[row.grant.pk for row in rows if row.grant], now=now):
        raise _Lost
    AppliedIncentive.objects.bulk_create(
        AppliedIncentive(
            redemption=redemption,
            position=position,
            incentive=row.incentive,
            campaign=row.incentive.campaign,
            grant=row.grant,
            amount=item.amount,
            consumed=[[demand.limit_id, demand.subject, demand.amount] for demand in _demands(quoted, item)],
        )
        for position, (row, item) in enumerate(zip(rows, decision.applied, strict=True))
    )
    _tell_timeline(quoted, redemption, now)
    if not consume([demand for item in decision.applied for demand in _demands(quoted, item)]):
        raise _Lost
    return redemption


def _tell_timeline(quoted: Quote, redemption: Redemption, now: datetime.datetime) -> None:
    customer = quoted.customer
    if customer is None:
        return
    campaigns = {quoted.sources[item.incentive].incentive.campaign_id for item in quoted.decision.applied}
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
        name=", ".join(item.name for item in quoted.decision.applied)[:200],
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
