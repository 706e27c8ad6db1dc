"""Use incentives on an order, for good: exactly once, in one short transaction."""

import datetime
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass

from django.db import OperationalError, connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.operations import Demand, give_back_codes, merged, release_grants, use_codes, use_grants
from campaigns.rules.decision import Totals
from campaigns.rules.limits import is_slot
from incentives_site.shared.problems import FieldError, Invalid, Kind, Problem

from ..models import AppliedIncentive, Redemption, Reservation, ReservationState
from ._announce import REDEEMED
from ._awards import award, hold_order
from ._ledger import NotEnough, activate_due, lock_accounts_of, today_of_the_programme
from ._quote import Quote, Request
from ._record import DoesNotFit, record
from ._reserve import (
    Lost,
    ReservationEnded,
    check_redeemable,
    close_reservation,
    order_faults,
    quote_after_expiry,
    release_value,
    share_out,
    use_beside,
)
from ._tenders import pay

ATTEMPTS = 3
DEADLOCK = "40P01"


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


def redeem(
    request: Request,
    *,
    source: str,
    order_key: str,
    placed_at: datetime.datetime | None,
    by: str,
    now: datetime.datetime,
    expected_discount: int | None = None,
    expected_payable: int | None = None,
    accept_changes: bool = False,
    reservation: Reservation | None = None,
) -> Redemption:
    """Decide again at ``now``, use up limits and grants, and write down what happened.

    ``source`` and ``order_key`` name the order; ``expected_discount`` and ``expected_payable`` (minor units; what is left to pay
    after stored value) are what the customer was told. What a ``reservation`` of this order holds is used first. Raises
    ``NothingToRedeem`` and ``DecisionChanged`` (both carry the new decision), ``OrderAlreadyRedeemed``, ``ReservationEnded``,
    ``Invalid``.
    """
    _check_order(order_key, placed_at, now)
    if reservation is not None:
        check_redeemable(reservation, order_key=order_key, now=now)
    told = _Told(expected_discount, expected_payable, accept_changes)
    try:
        return _redeem(request, source, order_key, placed_at or now, by, now, told, reservation)
    except (NothingToRedeem, DecisionChanged, ReservationEnded):
        # Said before anything else about an order, but looked up only when writing it has not shown it.
        if Redemption.objects.filter(source=source, order_key=order_key).exists():
            raise _redeemed_before() from None
        raise


def _redeemed_before() -> OrderAlreadyRedeemed:
    return OrderAlreadyRedeemed(_("Each order is redeemed once. To change it, return it first."))


def _redeem(
    request: Request,
    source: str,
    order_key: str,
    placed_at: datetime.datetime,
    by: str,
    now: datetime.datetime,
    told: "_Told",
    reservation: Reservation | None,
) -> Redemption:
    lost = False
    for _attempt in range(ATTEMPTS):
        quoted = quote_after_expiry(request, now=now, reservation=reservation, event=REDEEMED)
        _check_expectation(quoted, told, lost=lost)
        order = _Order(source, order_key, placed_at, by, now)
        try:
            if _uses_limits_only(quoted, reservation):
                with suppress(DoesNotFit):
                    return _write_at_once(quoted, order)
            return _write(quoted, order, reservation)
        except Lost:
            lost = True
        except OperationalError as error:
            # Two orders that each wait for the other's row: PostgreSQL ended one of them, which then simply tries again.
            if getattr(error.__cause__, "sqlstate", "") != DEADLOCK:
                raise
            lost = True
    raise DecisionChanged(_("Too many people want the same thing right now. Try again."), extras={"decision": quoted.data})


@dataclass(frozen=True, slots=True)
class _Order:
    """Whose order it is, when, and who redeems."""

    source: str
    key: str
    placed_at: datetime.datetime
    by: str
    now: datetime.datetime

    def record(self, quoted: Quote, planned: Sequence[Sequence[Demand]], counted: Sequence[Demand]) -> Redemption:
        redemption = record(
            quoted,
            planned=planned,
            counted=counted,
            source=self.source,
            order_key=self.key,
            placed_at=self.placed_at,
            by=self.by,
            now=self.now,
        )
        if redemption is None:
            raise _redeemed_before()
        return redemption


def _uses_limits_only(quoted: Quote, reservation: Reservation | None) -> bool:
    """Whether nothing else has to be moved: no grant, no code of a batch, no stored value, no award, nothing that is held."""
    return (
        reservation is None
        and not quoted.purses
        and all(source.grant is None and source.code_id is None for source in map(quoted.source_of, quoted.incentives))
        and not any(item.awards for item in quoted.incentives)
    )


def _write_at_once(quoted: Quote, order: _Order) -> Redemption:
    """By one statement, which is a transaction by itself. Raises ``Lost``, or ``DoesNotFit`` where it was only a slot."""
    planned = [quoted.demands(item) for item in quoted.incentives]
    counted = merged([demand for demands in planned for demand in demands])
    try:
        # Within a transaction it has to fail alone.
        with transaction.atomic() if connection.in_atomic_block else nullcontext():
            return order.record(quoted, planned, counted)
    except DoesNotFit:
        if any(is_slot(demand.subject) for demand in counted):
            raise
        raise Lost from None


def _write(quoted: Quote, order: _Order, reservation: Reservation | None) -> Redemption:
    with transaction.atomic():
        _take(quoted, reservation, order.now)
        planned = [quoted.demands(item) for item in quoted.incentives]
        redemption = order.record(quoted, planned, ())
        _settle(quoted, redemption, planned, reservation, order.by, order.now)
        return redemption


def _check_order(order_key: str, placed_at: datetime.datetime | None, now: datetime.datetime) -> None:
    errors = order_faults(order_key)
    if placed_at is not None and placed_at > now + datetime.timedelta(days=1):
        errors.append(FieldError("/order/placed_at", "in-the-future", _("The order cannot lie in the future.")))
    if errors:
        raise Invalid(errors=errors)


@dataclass(frozen=True, slots=True)
class _Told:
    """What the customer was told, and whether whatever holds now is accepted instead."""

    discount: int | None
    payable: int | None
    accepts_changes: bool

    def differs_from(self, totals: Totals) -> bool:
        return self.discount not in (None, totals.discount) or self.payable not in (None, totals.payable)


def _check_expectation(quoted: Quote, told: _Told, *, lost: bool) -> None:
    decision = quoted.decision
    if not decision.applied:
        refused = [*decision.inapplicable, *decision.skipped]
        sent = [item for item in refused if item.code] or refused
        data = quoted.data
        said = {(item["code"], item.get("sent_code", "")): item["message"] for item in [*data["inapplicable"], *data["skipped"]]}
        sentences = dict.fromkeys(said[item.reason.value, item.code] for item in sent)
        raise NothingToRedeem(" ".join(sentences), extras={"decision": data})
    if told.accepts_changes:
        return
    paid = {item.incentive: item.stored_value for item in decision.applied}
    short = [purse for purse in quoted.purses if purse.refusal or paid.get(purse.key, 0) < min(purse.wanted or 0, _left(quoted))]
    if short:
        raise DecisionChanged(_("Less can be paid with stored value than was meant."), extras={"decision": quoted.data})
    if lost or told.differs_from(decision.totals):
        raise DecisionChanged(_("Look at the new amounts before you go on."), extras={"decision": quoted.data})


def _left(quoted: Quote) -> int:
    """What there was to pay with stored value at most."""
    totals = quoted.decision.totals
    return totals.payable + totals.stored_value


def _take(quoted: Quote, reservation: Reservation | None, now: datetime.datetime) -> None:
    """Everything in one order for all: reservation, grants, codes, then the order is written, accounts by id, counters. The
    counters, which everybody else may be waiting for, come last: their locks are held as short as possible.
    """
    if reservation is not None and not close_reservation(reservation, ReservationState.REDEEMED, now):
        raise ReservationEnded(_("It was used, released or has expired."))
    reserved = set(reservation.grants) if reservation else set()
    rows = [quoted.sources[item.incentive] for item in quoted.incentives]
    grants = [row.grant.pk for row in rows if row.grant]
    if not use_grants(grant_ids=grants, now=now, reserved=reserved):
        raise Lost
    if left := sorted(reserved - set(grants)):
        release_grants(grant_ids=left, now=now)
    codes, taken = {row.code_id for row in rows if row.code_id}, set(reservation.codes) if reservation else set()
    if not use_codes(code_ids=sorted(codes - taken), now=now):
        raise Lost
    if spare := sorted(taken - codes):
        give_back_codes(code_ids=spare)


def _settle(
    quoted: Quote,
    redemption: Redemption,
    planned: Sequence[Sequence[Demand]],
    reservation: Reservation | None,
    by: str,
    now: datetime.datetime,
) -> None:
    _move_value(quoted, redemption, reservation, by, now)
    used = use_beside(reservation, [demand for demands in planned for demand in demands])
    if used is None:
        raise Lost
    really = share_out(planned, used)
    for position, (demands, parts) in enumerate(zip(planned, really, strict=True)):
        if parts != demands:
            consumed = [[part.limit_id, part.subject, part.amount] for part in parts]
            AppliedIncentive.objects.filter(redemption=redemption, position=position).update(consumed=consumed)


def _move_value(quoted: Quote, redemption: Redemption, reservation: Reservation | None, by: str, now: datetime.datetime) -> None:
    """Spend what pays, and book what is awarded. Somebody unknown can be given nothing: the decision says what it would be."""
    customer, items = quoted.customer, quoted.incentives
    held = reservation.purses if reservation else {}
    if not quoted.purses and not held and not any(item.awards for item in items):
        return
    today = today_of_the_programme(now)
    if customer is not None and any(item.awards for item in items):
        hold_order(redemption.order_key)
    try:
        if customer is not None:
            if quoted.purses:
                activate_due(now=now, customer=customer)
            lock_accounts_of(customer)
        paid = {item.incentive: item.stored_value for item in quoted.decision.applied}
        wanted = {purse.key: purse.units(paid.get(purse.key, 0)) for purse in quoted.purses}
        kept = {key: hold for key, hold in held.items() if wanted.get(key) == hold["units"]}
        if reservation is not None:
            release_value(reservation, now, keep=kept)
        pay(
            redemption=redemption,
            purses=quoted.purses_in_order,
            applied=quoted.decision.applied,
            by=by,
            now=now,
            today=today,
            held=kept,
        )
    except NotEnough:
        raise Lost from None
    if customer is not None and any(item.awards for item in items):
        applied = {quoted.sources[item.incentive].incentive: item for item in items}
        award(redemption=redemption, customer=customer, applied=applied, by=by, now=now, today=today)
