"""Move value: earn, activate, spend, give back, take back, expire, adjust. Each happens once for its key.

Every verb runs in the caller's transaction or its own, locks accounts in the order of their ids, and leaves balances, entries and
lots in step. The database refuses what would not be (``docs/ledger.md``).
"""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns import queries as campaign_queries
from campaigns.models import Campaign
from campaigns.rules.loyalty import TakeBack
from customers.models import Customer
from incentives_site.shared.money import LARGEST_AMOUNT
from incentives_site.shared.problems import FieldError, Invalid, Kind, Problem

from ..models import Account, AccountKind, Entry, GiftCard, Lot, LotUse, Posting, PostingKind, Redemption
from ..rules import lots as lot_rules
from ..rules.returning import taken_back
from ._announce import announce_balances

POINTS = "points"
AT_ONCE = 500  # lots that one run of a task looks after
PARTIES = [AccountKind.OUTSIDE, AccountKind.COST]
LOTTED = [AccountKind.POINTS, AccountKind.POINTS_PENDING, AccountKind.CREDIT]


class NotEnough(Problem):
    code = "not-enough"
    title = gettext_lazy("The balance does not suffice")
    kind = Kind.CONFLICT


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose account of which kind and unit."""

    kind: str
    unit: str
    customer: Customer | None = None
    gift_card: GiftCard | None = None
    campaign: Campaign | None = None
    contest: str = ""


def account_of(holder: Holder) -> Account:
    """The holder's account, opened when it is first needed."""
    is_party = holder.kind in PARTIES
    account, _new = Account.objects.get_or_create(
        kind=holder.kind,
        unit=holder.unit,
        customer=holder.customer,
        campaign=holder.campaign,
        gift_card=holder.gift_card,
        contest=holder.contest,
        defaults={"may_be_negative": is_party},
    )
    return account


def account_of_customer(kind: str, unit: str, customer: Customer) -> Account | None:
    """The customer's account if there is one; opens none, for those who only look."""
    return Account.objects.filter(kind=kind, unit=unit, customer=customer).first()


def outside(unit: str, *, contest: str = "") -> Holder:
    return Holder(AccountKind.OUTSIDE, unit, contest=contest)


def other_side(account: Account) -> Account:
    """Where what is taken from ``account`` goes, and what is added to it comes from: outside, in the same unit and contest."""
    return account_of(outside(account.unit, contest=account.contest))


def locked(account: Account) -> Account:
    """The account, until the end of the transaction nobody else's."""
    return Account.objects.select_for_update(of=("self",)).get(pk=account.pk)


def lock_accounts_of(customer: Customer) -> None:
    """All of the customer's accounts in the order of their ids, so that two movements never wait for each other in a circle."""
    list(Account.objects.select_for_update(of=("self",)).filter(customer=customer).order_by("pk").values_list("pk", flat=True))


def today_of_the_programme(now: datetime.datetime) -> datetime.date:
    """The calendar day on which points end or do not: the active programme's, else UTC's."""
    return campaign_queries.today_of(campaign_queries.active_programme(), now)


def post(
    *,
    kind: str,
    key: str,
    moves: Mapping[Account, int],
    by: str,
    now: datetime.datetime,
    redemption: Redemption | None = None,
    undoes: Posting | None = None,
    reason: str = "",
) -> tuple[Posting, bool]:
    """Write one movement; whether it is new. ``moves`` say what is added to each account and sum to zero for each unit.

    Raises ``NotEnough`` when a balance would be overdrawn.
    """
    known = Posting.objects.filter(key=key).first()
    if known is not None:
        return known, False
    try:
        with transaction.atomic():
            posting = Posting.objects.create(
                kind=kind, key=key, redemption=redemption, undoes=undoes, actor=by, reason=reason[:200], posted_at=now
            )
            Entry.objects.bulk_create(
                Entry(posting=posting, account=account, amount=amount)
                for account, amount in sorted(moves.items(), key=lambda move: move[0].pk)
                if amount
            )
            announce_balances(posting, moves)
    except IntegrityError as error:
        if "a_balance_is_not_overdrawn" in str(error):
            raise NotEnough(_("Less is left than is asked for.")) from None
        known = Posting.objects.filter(key=key).first()
        if known is None:
            raise
        return known, False
    return posting, True


# --- Earning ------------------------------------------------------------------------------------------------------------


def earn(
    *,
    customer: Customer,
    unit: str,
    amount: int,
    key: str,
    by: str,
    now: datetime.datetime,
    usable_at: datetime.datetime | None = None,
    last_usable_on: datetime.date | None = None,
    campaign: Campaign | None = None,
    redemption: Redemption | None = None,
    reason: str = "",
) -> Posting:
    """Give ``amount`` points (unit ``points``) or credit (a currency) as a new lot; pending when ``usable_at`` is later than now.

    It costs ``campaign`` if there is one, else it comes from outside. Once for each ``key``.
    """
    _check_amount(amount)
    usable_at = usable_at or now
    is_pending = usable_at > now and unit == POINTS
    kind = AccountKind.CREDIT if unit != POINTS else AccountKind.POINTS_PENDING if is_pending else AccountKind.POINTS
    source = Holder(AccountKind.COST, unit, campaign=campaign) if campaign else outside(unit)
    with transaction.atomic():
        account = locked(account_of(Holder(kind, unit, customer)))
        posting, is_new = post(
            kind=PostingKind.EARN,
            key=key,
            moves={account: amount, account_of(source): -amount},
            by=by,
            now=now,
            redemption=redemption,
            reason=reason,
        )
        if is_new:
            _new_lot(account, posting, amount, usable_at, last_usable_on, is_pending=is_pending)
    return posting


def _new_lot(
    account: Account,
    posting: Posting,
    amount: int,
    usable_at: datetime.datetime,
    last_usable_on: datetime.date | None,
    *,
    is_pending: bool,
) -> Lot:
    """What fills the hole of a negative balance is not left in the lot. ``account`` is as it was before the posting."""
    hole = min(amount, max(0, -account.balance))
    return Lot.objects.create(
        account=account,
        posting=posting,
        amount=amount,
        remaining=amount - hole,
        usable_at=usable_at,
        last_usable_on=last_usable_on,
        is_pending=is_pending,
    )


def activate_due(*, now: datetime.datetime, customer: Customer | None = None, most: int = AT_ONCE) -> int:
    """Make the pending points usable whose time has come; how many lots. Safe to repeat."""
    due = Lot.objects.filter(is_pending=True, usable_at__lte=now).order_by("usable_at", "id")
    if customer is not None:
        due = due.filter(account__customer=customer)
    done = 0
    for pk in list(due.values_list("pk", flat=True)[:most]):
        with transaction.atomic():
            done += _activate(pk, now)
    return done


def _activate(pk: int, now: datetime.datetime) -> int:
    found = Lot.objects.select_related("account").get(pk=pk)
    usable = account_of(Holder(AccountKind.POINTS, POINTS, found.account.customer))
    accounts = {
        row.pk: row
        for row in Account.objects.select_for_update(of=("self",)).filter(pk__in=[usable.pk, found.account_id]).order_by("pk")
    }
    lot = Lot.objects.select_for_update(of=("self",)).get(pk=pk)
    if not lot.is_pending:
        return 0
    pending, usable = accounts[lot.account_id], accounts[usable.pk]
    lot.is_pending = False
    lot.account = usable
    if lot.remaining:
        posting, _new = post(
            kind=PostingKind.ACTIVATE,
            key=f"activate:{pk}",
            moves={pending: -lot.remaining, usable: lot.remaining},
            by="system",
            now=now,
        )
        if hole := min(lot.remaining, max(0, -usable.balance)):
            LotUse.objects.create(lot=lot, posting=posting, amount=hole)
            lot.remaining -= hole
    lot.save(update_fields=["is_pending", "account", "remaining"])
    return 1


# --- Spending and giving back ---------------------------------------------------------------------------------------------


def spend(
    *,
    account: Account,
    amount: int,
    key: str,
    by: str,
    now: datetime.datetime,
    today: datetime.date,
    redemption: Redemption | None = None,
    reason: str = "",
    kind: str = PostingKind.SPEND,
) -> Posting:
    """Take ``amount`` out of the holder's account, from the lots that end first. Raises ``NotEnough``. Once for each ``key``."""
    _check_amount(amount)
    with transaction.atomic():
        account = locked(account)
        known = Posting.objects.filter(key=key).first()
        if known is not None:
            return known
        parts: list[tuple[int, int]] = []
        if account.kind in LOTTED:
            parts = lot_rules.take(_states(account), amount, today)
            if sum(part for _lot, part in parts) < amount:
                raise NotEnough(_("Less is left than is asked for."))
        posting, _new = post(
            kind=kind,
            key=key,
            moves={account: -amount, other_side(account): amount},
            by=by,
            now=now,
            redemption=redemption,
            reason=reason,
        )
        _use(posting, parts)
    return posting


def refund(
    *, spent: Posting, amount: int, key: str, by: str, now: datetime.datetime, today: datetime.date, reason: str = ""
) -> Posting:
    """Give back ``amount`` of what ``spent`` took, to the account and the lots it came from. Once for each ``key``.

    A lot that has ended meanwhile can be used for as long again as was left when it was spent: nobody loses by returning goods.
    Raises ``Invalid`` for more than is left to give back.
    """
    _check_amount(amount)
    with transaction.atomic():
        entry = _holders_entry(spent)
        account = locked(_now_at(entry.account))
        known = Posting.objects.filter(key=key).first()
        if known is not None:
            return known
        given = _undone(spent)
        if amount > -entry.amount - given:
            raise Invalid(errors=[FieldError("/amount", "out-of-range", _("More than is left of what was paid."))])
        posting, _new = post(
            kind=PostingKind.REFUND,
            key=key,
            moves={account: amount, other_side(account): -amount},
            by=by,
            now=now,
            redemption=spent.redemption,
            undoes=spent,
            reason=reason,
        )
        _put_back(spent, posting, account, amount, today)
    return posting


def _undone(posting: Posting) -> int:
    """What was undone of a movement so far, in its holder's unit."""
    entries = Entry.objects.filter(posting__undoes=posting).exclude(account__kind__in=PARTIES)
    return abs(sum(entries.values_list("amount", flat=True)))


def _put_back(spent: Posting, posting: Posting, account: Account, amount: int, today: datetime.date) -> None:
    taken: dict[int, int] = {}
    for lot, part in LotUse.objects.filter(posting=spent).order_by("id").values_list("lot_id", "amount"):
        taken[lot] = taken.get(lot, 0) + part
    for lot, part in LotUse.objects.filter(posting__undoes=spent).values_list("lot_id", "amount"):
        taken[lot] += part  # negative: it was put back
    hole = min(amount, max(0, -account.balance))
    for lot, part in lot_rules.put_back(list(taken.items()), amount):
        row = Lot.objects.select_for_update(of=("self",)).get(pk=lot)
        filled = min(hole, part)
        hole -= filled
        if row.account_id != account.pk:
            # Customers were taken apart since: the lot went with the other one.
            row = Lot.objects.create(
                account=account,
                posting=posting,
                amount=part,
                remaining=0,
                usable_at=row.usable_at,
                last_usable_on=row.last_usable_on,
            )
        row.remaining += part - filled
        if row.last_usable_on is not None and row.last_usable_on < today:
            row.last_usable_on = today + (row.last_usable_on - spent.posted_at.date())
        row.save(update_fields=["remaining", "last_usable_on"])
        LotUse.objects.create(lot=row, posting=posting, amount=-part)


def _use(posting: Posting, parts: Sequence[tuple[int, int]]) -> None:
    for lot, part in parts:
        Lot.objects.filter(pk=lot).update(remaining=F("remaining") - part)
    LotUse.objects.bulk_create(LotUse(lot_id=lot, posting=posting, amount=part) for lot, part in parts)


def _states(account: Account) -> list[lot_rules.LotState]:
    rows = Lot.objects.filter(account=account, remaining__gt=0, is_pending=False)
    return [lot_rules.LotState(row.pk, row.amount, row.remaining, row.usable_at, row.last_usable_on) for row in rows]


def usable_lots(account: Account) -> QuerySet[Lot]:
    return Lot.objects.filter(account=account, remaining__gt=0, is_pending=False)


def _holders_entry(posting: Posting) -> Entry:
    """The entry on the account of whoever holds the value, as opposed to those it comes from or goes to."""
    return posting.entries.exclude(account__kind__in=PARTIES).select_related("account").get()


# --- Taking back, expiring, adjusting -----------------------------------------------------------------------------------


def take_back(*, earned: Posting, amount: int, policy: str, key: str, by: str, now: datetime.datetime, reason: str = "") -> int:
    """Take back up to ``amount`` of what ``earned`` gave, as far as ``policy`` lets; how much it was. Once for each ``key``."""
    with transaction.atomic():
        lot = Lot.objects.select_related("account").get(posting=earned)
        account = locked(lot.account)
        lot = Lot.objects.select_for_update(of=("self",)).get(pk=lot.pk)
        known = Posting.objects.filter(key=key).first()
        if known is not None:
            return -_holders_entry(known).amount
        due = min(amount, lot.amount - _undone(earned))
        wanted = taken_back(due, policy=TakeBack(policy), is_pending=lot.is_pending, balance=account.balance)
        if wanted <= 0:
            return 0
        if wanted > account.balance:
            Account.objects.filter(pk=account.pk).update(may_be_negative=True)
        own = min(wanted, lot.remaining)
        others = [state for state in _states(account) if state.id != lot.pk]
        parts = [(lot.pk, own)] if own else []
        # Points are alike: what was spent of this lot is taken from the others, as if those had been spent.
        parts += lot_rules.take(others, wanted - own, datetime.date.min)
        posting, _new = post(
            kind=PostingKind.TAKE_BACK,
            key=key,
            moves={account: -wanted, other_side(account): wanted},
            by=by,
            now=now,
            redemption=earned.redemption,
            undoes=earned,
            reason=reason,
        )
        _use(posting, parts)
    return wanted


def expire_due(*, today: datetime.date, now: datetime.datetime, account: Account | None = None, most: int = AT_ONCE) -> int:
    """End the lots whose last usable day is over; how many. Safe to repeat."""
    over = Lot.objects.filter(remaining__gt=0, is_pending=False, last_usable_on__lt=today).order_by("last_usable_on", "id")
    if account is not None:
        over = over.filter(account=account)
    done = 0
    for pk in list(over.values_list("pk", flat=True)[:most]):
        with transaction.atomic():
            done += _expire(pk, today, now)
    return done


def _expire(pk: int, today: datetime.date, now: datetime.datetime) -> int:
    account = locked(Lot.objects.select_related("account").get(pk=pk).account)
    lot = Lot.objects.select_for_update(of=("self",)).get(pk=pk)
    if lot.remaining == 0 or lot.last_usable_on is None or lot.last_usable_on >= today or lot.account_id != account.pk:
        return 0
    # What a return put back may end again: the key names the movement, not the lot alone.
    times = LotUse.objects.filter(lot=lot, posting__kind=PostingKind.EXPIRE).count()
    posting, _new = post(
        kind=PostingKind.EXPIRE,
        key=f"expire:{pk}:{times}",
        moves={account: -lot.remaining, other_side(account): lot.remaining},
        by="system",
        now=now,
    )
    _use(posting, [(pk, lot.remaining)])
    return 1


def adjust(
    *, account: Account, amount: int, key: str, by: str, reason: str, now: datetime.datetime, today: datetime.date
) -> Posting:
    """Add (or, negative, take) ``amount`` by hand, with a reason that stays. Raises ``Invalid`` and ``NotEnough``."""
    if len(reason.strip()) < 3:
        raise Invalid(errors=[FieldError("/reason", "required", _("Say why, for whoever reads it later."))])
    if amount < 0:
        return spend(
            account=account, amount=-amount, key=key, by=by, now=now, today=today, reason=reason, kind=PostingKind.ADJUST
        )
    _check_amount(amount)
    with transaction.atomic():
        account = locked(account)
        posting, is_new = post(
            kind=PostingKind.ADJUST,
            key=key,
            moves={account: amount, other_side(account): -amount},
            by=by,
            now=now,
            reason=reason,
        )
        if is_new and account.kind in LOTTED:
            _new_lot(account, posting, amount, now, None, is_pending=False)
    return posting


def move_balance(
    *, source: Account, target: Account, amount: int, key: str, by: str, now: datetime.datetime, reason: str, kind: str
) -> None:
    """Move ``amount`` (negative: a debt) between two accounts of a kind whose customers become one, or are taken apart.

    Both are locked by the caller, who moves the lots. What then is in the lots beyond the balance, a debt has taken.
    """
    if target.balance + amount < 0 or source.balance - amount < 0:
        Account.objects.filter(pk__in=[source.pk, target.pk]).update(may_be_negative=True)
    posting, _new = post(kind=kind, key=key, moves={source: -amount, target: amount}, by=by, now=now, reason=reason)
    for account in (source, target):
        account.refresh_from_db(fields=["balance"])
        states = _states(account)
        beyond = sum(state.remaining for state in states) - max(account.balance, 0)
        if beyond > 0:
            _use(posting, lot_rules.take(states, beyond, datetime.date.min))


def _now_at(account: Account) -> Account:
    """The account that holds now what this one held: its customer may have become part of another."""
    customer = account.customer
    if customer is None or customer.forwarded_to_id is None:
        return account
    return account_of(Holder(account.kind, account.unit, customer.forwarded_to, contest=account.contest))


def _check_amount(amount: int) -> None:
    if not 1 <= amount <= LARGEST_AMOUNT:
        raise Invalid(errors=[FieldError("/amount", "out-of-range", _("From 1 to %(most)s.") % {"most": LARGEST_AMOUNT})])
