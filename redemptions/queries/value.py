"""Reads of stored value: what a customer holds, and how each account came to its balance. Opens no account and moves nothing."""

import datetime
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import F, QuerySet, Sum, Window
from django.db.models.functions import TruncDate

from campaigns import queries as campaign_queries
from campaigns import sealing
from campaigns.rules import loyalty
from customers.models import Customer

from ..models import Account, AccountKind, Entry, GiftCard, Lot, PostingKind, Redemption

STATED = [AccountKind.POINTS, AccountKind.POINTS_PENDING, AccountKind.CREDIT, AccountKind.ENTRIES]
MOST_PICTURED = 500  # movements that a picture of balances looks back


@dataclass(frozen=True, slots=True)
class Ending:
    """So much of ``unit`` (``points`` or a currency) can be used until the end of ``last_usable_on``."""

    unit: str
    amount: int
    last_usable_on: datetime.date


@dataclass(frozen=True, slots=True)
class Waiting:
    """Points that become usable at ``usable_at``."""

    amount: int
    usable_at: datetime.datetime


@dataclass(frozen=True, slots=True)
class Balances:
    """What a customer holds now. ``points`` may be negative; ``worth`` (minor units) is ``None`` where points cannot pay."""

    points: int
    worth: int | None
    pending: tuple[Waiting, ...]
    credit: tuple[tuple[str, int], ...]
    entries: tuple[tuple[str, int], ...]
    ends: tuple[Ending, ...]

    @property
    def waiting(self) -> int:
        return sum(lot.amount for lot in self.pending)

    def credit_in(self, currency: str) -> int:
        return dict(self.credit).get(currency, 0)

    @property
    def is_empty(self) -> bool:
        return not (self.points or self.pending or self.entries or any(amount for _currency, amount in self.credit))


def balances_of(customer: Customer, *, currency: str, now: datetime.datetime) -> Balances:
    """What the customer can pay with, what waits, what ends when. ``currency`` is the one points are valued in.

    Three queries. Pending points whose time has come count as usable: they become so before they are spent.
    """
    programme = campaign_queries.active_programme()
    today = campaign_queries.today_of(programme, now)
    accounts = list(Account.objects.filter(customer=customer, kind__in=STATED).order_by("kind", "unit", "contest"))
    usable: dict[tuple[str, str], int] = {}
    pending: list[Waiting] = []
    ends: dict[tuple[datetime.date, str], int] = {}
    lots = Lot.objects.filter(account__in=accounts, remaining__gt=0).exclude(last_usable_on__lt=today).select_related("account")
    for lot in lots.order_by("usable_at", "id"):
        if lot.usable_at > now:
            pending.append(Waiting(lot.remaining, lot.usable_at))
        else:
            key = ("credit" if lot.account.kind == AccountKind.CREDIT else "points", lot.account.unit)
            usable[key] = usable.get(key, 0) + lot.remaining
        if lot.last_usable_on is not None:
            end = (lot.last_usable_on, lot.account.unit)
            ends[end] = ends.get(end, 0) + lot.remaining
    overdrawn = {(a.kind, a.unit): a.balance for a in accounts if a.balance < 0}
    points = usable.get(("points", "points"), 0) + overdrawn.get((AccountKind.POINTS, "points"), 0)
    value = (programme.point_values if programme else {}).get(currency)
    credit = {
        a.unit: usable.get(("credit", a.unit), 0) + overdrawn.get((a.kind, a.unit), 0)
        for a in accounts
        if a.kind == AccountKind.CREDIT
    }
    return Balances(
        points=points,
        worth=loyalty.worth(max(0, points), Decimal(value)) if value is not None else None,
        pending=tuple(pending),
        credit=tuple(sorted(credit.items())),
        entries=tuple((a.contest, a.balance) for a in accounts if a.kind == AccountKind.ENTRIES and a.balance),
        ends=tuple(Ending(unit, amount, day) for (day, unit), amount in sorted(ends.items())),
    )


# --- What one order moved ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Earned:
    """What an order earned: ``usable_at`` is in the future while it is pending. Contest entries have neither end nor wait."""

    kind: str
    unit: str
    amount: int
    contest: str = ""
    usable_at: datetime.datetime | None = None
    last_usable_on: datetime.date | None = None


def earned_by(redemption: Redemption) -> list[Earned]:
    """Points, credit and contest entries that the order gave, as they were booked."""
    lots = Lot.objects.filter(posting__redemption=redemption, posting__kind=PostingKind.EARN).select_related("account")
    found = [
        Earned(
            "credit" if lot.account.kind == AccountKind.CREDIT else "points",
            lot.account.unit,
            lot.amount,
            usable_at=lot.usable_at,
            last_usable_on=lot.last_usable_on,
        )
        for lot in lots.order_by("id")
    ]
    entries = Entry.objects.filter(
        posting__redemption=redemption, posting__kind=PostingKind.EARN, account__kind=AccountKind.ENTRIES
    ).select_related("account")
    return found + [Earned("entries", e.account.unit, e.amount, contest=e.account.contest) for e in entries.order_by("id")]


# --- Statements -----------------------------------------------------------------------------------------------------------


def accounts_of(customer: Customer) -> list[Account]:
    """The customer's accounts that ever moved, points first."""
    order = {kind: position for position, kind in enumerate(STATED)}
    found = Account.objects.filter(customer=customer, kind__in=STATED, entries__isnull=False).distinct()
    return sorted(found, key=lambda account: (order[AccountKind(account.kind)], account.unit, account.contest))


def movements(accounts: Sequence[Account]) -> QuerySet[Entry]:
    """The movements of the accounts, newest first; each with ``running``, its account's balance after it."""
    running = Window(Sum("amount"), partition_by=F("account"), order_by=F("id").asc())
    found = Entry.objects.filter(account__in=accounts).annotate(running=running)
    return found.select_related("account", "posting", "posting__redemption").order_by("-id")


def closing_balances(account: Account, *, most: int) -> list[tuple[datetime.date, int]]:
    """The balance at the end of each of the last ``most`` days (UTC) on which it moved, oldest first."""
    newest = movements([account]).annotate(day=TruncDate("posting__posted_at", tzinfo=datetime.UTC))
    # Newest first: the first movement seen of a day is its last.
    days: dict[datetime.date, int] = {}
    for day, balance in newest.values_list("day", "running")[:MOST_PICTURED]:
        days.setdefault(day, balance)
        if len(days) > most:
            break
    return sorted(days.items())[-most:]


def secret_cards(texts: Collection[str]) -> set[str]:
    """Those of the texts that are the number of a gift card, however they are typed. One query."""
    digests = {text: sealing.digest(text) for text in texts}
    found = GiftCard.objects.filter(digest__in=set(digests.values())).values_list("digest", flat=True)
    secret = {bytes(digest) for digest in found}
    return {text for text, digest in digests.items() if digest in secret}
