"""Hold what an order will use, until an end: uses of limits, grants, points, credit, gift cards (``docs/redemption.md``).

A reservation uses limits and moves value exactly as a redemption does, so nobody else sees it as free. It ends by redemption,
release, replacement or expiry, each a conditional update of its state: whoever changes the state moves what it holds.
"""

import datetime
import uuid
from collections.abc import Collection, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.operations import Demand, consume, give_back_codes, release_grants, reserve_grants, restore, use_codes
from campaigns.queries import Holding
from campaigns.rules.candidates import Reason
from campaigns.rules.limits import is_slot
from incentives_site.shared.problems import FieldError, Invalid, Kind, NotFound, Problem

from ..models import Posting, Reservation, ReservationState
from ..rules.reach import Reach
from ._announce import announce_expired
from ._ledger import NotEnough, lock_accounts_of, refund, spend, today_of_the_programme
from ._quote import Quote, Request, quote

DEFAULT_LIFETIME = datetime.timedelta(minutes=15)
LONGEST_LIFETIME = datetime.timedelta(days=7)
AT_ONCE = 200
ATTEMPTS = 3
LIMITED = frozenset({Reason.LIMIT_REACHED, Reason.BUDGET_EXHAUSTED, Reason.CODE_USED, Reason.NO_EFFECT})


class ReservationUnknown(NotFound):
    code = "reservation-unknown"
    title = gettext_lazy("There is no such reservation")


class ReservationEnded(Problem):
    code = "reservation-ended"
    title = gettext_lazy("This reservation has ended")
    kind = Kind.CONFLICT


class ReservationOfAnotherStore(Problem):
    code = "reservation-of-another-store"
    title = gettext_lazy("This reservation belongs to another store or channel")
    kind = Kind.FORBIDDEN


class NothingToReserve(Problem):
    code = "nothing-to-reserve"
    title = gettext_lazy("There is nothing that could be held")
    kind = Kind.CONFLICT


class Lost(Exception):
    """Somebody else took the last of something between the decision and the write."""


def reserve(
    request: Request,
    *,
    source: str,
    order_key: str,
    by: str,
    now: datetime.datetime,
    lifetime: datetime.timedelta = DEFAULT_LIFETIME,
    reach: Reach | None = None,
) -> Reservation:
    """Hold what ``request`` would use, for ``lifetime``. A second one for the same order of the same source replaces the first.

    ``reach`` is where the caller may act; ``None``: everywhere. Raises ``NothingToReserve`` (with the decision), ``Invalid``,
    ``ReservationOfAnotherStore`` when the first is not the caller's to replace; ``OrderAlreadyRedeemed`` is left to the
    redemption.
    """
    _check(order_key, lifetime)
    for _attempt in range(ATTEMPTS):
        former = active_reservation(source=source, order_key=order_key, now=now)
        if former is not None:
            _check_reach(former, reach)
        quoted = quote_after_expiry(request, now=now, reservation=former)
        if not quoted.decision.applied:
            raise NothingToReserve(_("No incentive applies to this order."), extras={"decision": quoted.data})
        try:
            with transaction.atomic():
                return _hold(quoted, former, source, order_key, by, now, lifetime)
        except (Lost, ReservationEnded):
            continue
    raise NothingToReserve(_("Too many people want the same thing right now. Try again."), extras={"decision": quoted.data})


def order_faults(order_key: str) -> list[FieldError]:
    """What is wrong with an order's id."""
    if 1 <= len(order_key) <= 100 and "\x00" not in order_key:
        return []
    return [FieldError("/order/id", "bad-text", _("An order has an id of 1 to 100 characters."))]


def _check(order_key: str, lifetime: datetime.timedelta) -> None:
    errors = order_faults(order_key)
    if not datetime.timedelta(seconds=1) <= lifetime <= LONGEST_LIFETIME:
        errors.append(FieldError("/expires_in", "out-of-range", _("From 1 second to 7 days.")))
    if errors:
        raise Invalid(errors=errors)


def _hold(
    quoted: Quote,
    former: Reservation | None,
    source: str,
    order_key: str,
    by: str,
    now: datetime.datetime,
    lifetime: datetime.timedelta,
) -> Reservation:
    """In the order that redemptions keep: grants, codes, accounts, counters. What ``former`` holds is let go of on the way."""
    if former is not None:
        if not close_reservation(former, ReservationState.REPLACED, now):
            raise ReservationEnded
        release_grants(grant_ids=former.grants, now=now)
        give_back_codes(code_ids=former.codes)
        release_value(former, now)
    grants = [quoted.sources[item.incentive].grant for item in quoted.incentives]
    ids = [grant.pk for grant in grants if grant is not None]
    codes = [code for item in quoted.incentives if (code := quoted.sources[item.incentive].code_id) is not None]
    if not reserve_grants(grant_ids=ids) or not use_codes(code_ids=codes, now=now):
        raise Lost
    data = quoted.data
    reservation = Reservation(
        source=source,
        order_key=order_key,
        customer=quoted.customer,
        channel=quoted.channel,
        store=quoted.store,
        decision=quoted.stored(data),
        demands=[[d.limit_id, d.subject, d.amount] for item in quoted.incentives for d in quoted.demands(item)],
        grants=ids,
        codes=codes,
        created_at=now,
        expires_at=now + lifetime,
        actor=by,
    )
    try:
        reservation.purses = _hold_value(quoted, reservation, by, now)
        with transaction.atomic():
            reservation.save(force_insert=True)
    except (NotEnough, IntegrityError):
        raise Lost from None
    planned = [Demand(*demand) for demand in reservation.demands]
    used = use_beside(former, planned)
    if used is None:
        raise Lost
    if used != planned:
        reservation.demands = [[d.limit_id, d.subject, d.amount] for d in used]
        reservation.save(update_fields=["demands"])
    # The row in memory has the codes for the answer to who sent them; the table has them masked.
    reservation.decision = data
    return reservation


def _hold_value(quoted: Quote, reservation: Reservation, by: str, now: datetime.datetime) -> dict[str, Any]:
    if not quoted.purses:
        return {}
    if quoted.customer is not None:
        lock_accounts_of(quoted.customer)
    today = today_of_the_programme(now)
    paid = {item.incentive: item.stored_value for item in quoted.decision.applied}
    held: dict[str, Any] = {}
    for purse in quoted.purses_in_order:
        amount = paid.get(purse.key, 0)
        if purse.account is None or not amount:
            continue
        units = purse.units(amount)
        key = f"hold:{reservation.public_id}:{purse.key}"
        posting = spend(account=purse.account, amount=units, key=key, by=by, now=now, today=today, reason="reservation")
        held[purse.key] = {"posting": posting.pk, "units": units, "account": purse.account.pk}
    return held


# --- Ending ---------------------------------------------------------------------------------------------------------------


def release(*, reservation: Reservation, now: datetime.datetime) -> None:
    """Let everything go. Raises ``ReservationEnded``."""
    with transaction.atomic():
        _end(reservation, ReservationState.RELEASED, now)


def expire_reservations(*, now: datetime.datetime, most: int = AT_ONCE) -> int:
    """End the reservations whose time is over; how many. Safe to repeat, from several processes at once."""
    due = Reservation.objects.filter(state=ReservationState.ACTIVE, expires_at__lte=now).order_by("expires_at", "pk")
    done = 0
    for reservation in list(due[:most]):
        try:
            with transaction.atomic():
                _end(reservation, ReservationState.EXPIRED, now)
                announce_expired(reservation)
        except ReservationEnded:
            continue
        done += 1
    return done


def _end(reservation: Reservation, state: str, now: datetime.datetime) -> None:
    """Change the state, once, and let go of what is held. Raises ``ReservationEnded`` when somebody else ended it."""
    if not close_reservation(reservation, state, now):
        raise ReservationEnded(_("It was used, released or has expired."))
    release_grants(grant_ids=reservation.grants, now=now)
    give_back_codes(code_ids=reservation.codes)
    release_value(reservation, now)
    restore([Demand(*demand) for demand in reservation.demands])


def close_reservation(reservation: Reservation, state: str, now: datetime.datetime) -> bool:
    """Active → ``state``, for exactly one caller; what it holds is the caller's then."""
    rows = Reservation.objects.filter(pk=reservation.pk, state=ReservationState.ACTIVE)
    return bool(rows.update(state=state, ended_at=now))


def release_value(reservation: Reservation, now: datetime.datetime, *, keep: Collection[str] = ()) -> None:
    """What was held of accounts goes back to the lots it came from, but for the tenders to ``keep``."""
    if not reservation.purses.keys() - set(keep):
        return
    if reservation.customer is not None:
        lock_accounts_of(reservation.customer)
    today = today_of_the_programme(now)
    for key, held in sorted(reservation.purses.items(), key=lambda item: item[1]["account"]):
        if key in keep:
            continue
        refund(
            spent=Posting.objects.get(pk=held["posting"]),
            amount=held["units"],
            key=f"release:{reservation.public_id}:{key}",
            by="system",
            now=now,
            today=today,
            reason="reservation ended",
        )


# --- What is held, seen by others and by its holder -------------------------------------------------------------------------


def active_reservation(*, source: str, order_key: str, now: datetime.datetime) -> Reservation | None:
    found = Reservation.objects.filter(source=source, order_key=order_key, state=ReservationState.ACTIVE)
    return found.filter(expires_at__gt=now).select_related("channel", "store").first()


def _check_reach(reservation: Reservation, reach: Reach | None) -> None:
    """Raises ``ReservationOfAnotherStore``."""
    channel = reservation.channel.key if reservation.channel else None
    store = reservation.store.key if reservation.store else None
    if reach is not None and not reach.covers(channel=channel, store=store):
        raise ReservationOfAnotherStore(_("Only a key for the store and channel it was made in may use, replace or release it."))


def reservation_by_public_id(public_id: str, *, source: str, reach: Reach | None = None) -> Reservation:
    """A reservation of this source, within ``reach``. Raises ``ReservationUnknown``, ``ReservationOfAnotherStore``."""
    try:
        key = uuid.UUID(public_id)
    except ValueError:
        raise ReservationUnknown from None
    found = Reservation.objects.select_related("customer", "channel", "store").filter(public_id=key, source=source).first()
    if found is None:
        raise ReservationUnknown
    _check_reach(found, reach)
    return found


def held_by(reservation: Reservation | None) -> Holding:
    """What the reservation holds, for a decision that may use it."""
    if reservation is None:
        return Holding()
    uses: dict[str, int] = {}
    for limit_id, subject, amount in reservation.demands:
        uses[f"{limit_id}/{subject}"] = uses.get(f"{limit_id}/{subject}", 0) + amount
    accounts = {held["account"]: held["units"] for held in reservation.purses.values()}
    return Holding(frozenset(reservation.grants), frozenset(reservation.codes), uses, accounts)


def quote_after_expiry(request: Request, *, now: datetime.datetime, reservation: Reservation | None, event: str = "") -> Quote:
    """Decide; if something was refused for what reservations may hold, end those that are over and decide again. ``event`` as
    ``quote`` has it.
    """
    holding = held_by(reservation)
    quoted = quote(request, now=now, holding=holding, event=event)
    refused = (*quoted.decision.inapplicable, *quoted.decision.skipped)
    if any(item.reason in LIMITED for item in refused) and expire_reservations(now=now):
        return quote(request, now=now, holding=holding, event=event)
    return quoted


def check_redeemable(reservation: Reservation, *, order_key: str, now: datetime.datetime) -> None:
    """Raises ``ReservationEnded``, or ``Invalid`` when it was made for another order."""
    if reservation.order_key != order_key:
        raise Invalid(errors=[FieldError("/reservation", "other-order", _("It was made for another order."))])
    if reservation.state != ReservationState.ACTIVE or reservation.expires_at <= now:
        raise ReservationEnded(_("It was used, released or has expired."))


def use_beside(reservation: Reservation | None, demands: Sequence[Demand]) -> list[Demand] | None:
    """Use up ``demands``, of which the reservation holds some already; what is used where in the end, or ``None`` when one does
    not fit (then the caller must roll back). What is held in vain is given back.
    """
    held: dict[tuple[int, str], list[Demand]] = {}
    for limit_id, subject, amount in reservation.demands if reservation else ():
        held.setdefault(_count_of(limit_id, subject), []).append(Demand(limit_id, subject, amount))
    wanted: dict[tuple[int, str], list[Demand]] = {}
    for demand in demands:
        wanted.setdefault(_count_of(demand.limit_id, demand.subject), []).append(demand)
    kept: list[Demand] = []
    more: list[Demand] = []
    for count, items in wanted.items():
        left = sum(item.amount for item in items)
        for hold in held.pop(count, []):
            part = min(left, hold.amount)
            left -= part
            kept.append(Demand(hold.limit_id, hold.subject, part))
            if hold.amount > part:
                held.setdefault(count, []).append(Demand(hold.limit_id, hold.subject, hold.amount - part))
        if left:
            more.append(Demand(items[0].limit_id, items[0].subject, left))
    used = consume(more)
    if used is None:
        return None
    restore([hold for holds in held.values() for hold in holds])
    return [demand for demand in (*kept, *used) if demand.amount]


def _count_of(limit_id: int, subject: str) -> tuple[int, str]:
    """The slots of a limit are one count."""
    return limit_id, "" if is_slot(subject) else subject


def share_out(demands: Sequence[Sequence[Demand]], used: Sequence[Demand]) -> list[list[Demand]]:
    """What each incentive used, where it was really taken: its own demands, met from ``used`` in order."""
    pools: dict[tuple[int, str], list[Demand]] = {}
    for demand in used:
        pools.setdefault(_count_of(demand.limit_id, demand.subject), []).append(demand)
    found = []
    for own in demands:
        taken: list[Demand] = []
        for demand in own:
            left, pool = demand.amount, pools.get(_count_of(demand.limit_id, demand.subject), [])
            while left and pool:
                first = pool.pop(0)
                part = min(left, first.amount)
                taken.append(Demand(first.limit_id, first.subject, part))
                left -= part
                if first.amount > part:
                    pool.insert(0, Demand(first.limit_id, first.subject, first.amount - part))
        found.append(taken)
    return found
