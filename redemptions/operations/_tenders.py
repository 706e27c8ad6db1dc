"""Paying with points, credit and gift cards: what is there to pay with, and taking it (``docs/ledger.md``, Paying).

A tender asks the stacking rule as ``stored_value`` does: after every discount, never as one.
"""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from campaigns import queries as campaign_queries
from campaigns import sealing
from campaigns.models import LoyaltyProgramme
from campaigns.rules import loyalty
from campaigns.rules.candidates import Candidate, Reason, Standing, UnknownCode
from campaigns.rules.decision import Applied
from campaigns.rules.effects import StoredValue
from campaigns.rules.groups import Eligibility, Group
from customers.models import Customer

from ..models import Account, AccountKind, GiftCard, Lot, Posting, PostingKind, Redemption, Tender
from ._ledger import POINTS, account_of_customer, spend

PAYMENT = Group("payment", "Payment", eligibility=Eligibility.ALWAYS, rank=1_000_000_000)
MOST_TENDERS = 5
KINDS = (AccountKind.POINTS, AccountKind.CREDIT, AccountKind.GIFT_CARD)


@dataclass(frozen=True, slots=True)
class TenderRequest:
    """What somebody wants to pay with: at most ``amount`` minor units of it (``None``: as much as it takes)."""

    kind: str
    amount: int | None = None
    code: str = ""


@dataclass(frozen=True, slots=True)
class Purse:
    """What a tender can pay. ``key`` is its name in the decision; ``available`` is in minor units, ``value`` of one point."""

    key: str
    kind: str
    available: int = 0
    account: Account | None = None
    value: Decimal = Decimal(1)
    refusal: Reason | None = None
    wanted: int | None = None
    code: str = ""

    def candidate(self, position: int) -> Candidate:
        return Candidate(
            key=self.key,
            name=str(AccountKind(self.kind).label),
            effect=StoredValue(self.available, maximum=self.wanted),
            group=PAYMENT.key,
            priority=-position,
            standing=Standing(refusal=self.refusal) if self.refusal else Standing(),
            position=1_000_000 + position,
            code=self.code,
        )

    def units(self, amount: int) -> int:
        """What has to be taken to pay ``amount`` minor units."""
        return loyalty.points_for(amount, self.value) if self.kind == AccountKind.POINTS else amount


def purses(
    requests: Sequence[TenderRequest],
    *,
    customer: Customer | None,
    currency: str,
    now: datetime.datetime,
    holding: Mapping[int, int] | None = None,
) -> tuple[list[Purse], list[UnknownCode]]:
    """What each tender that is asked for can pay, and the codes of cards that nobody knows.

    What a reservation is ``holding`` (units by account) can pay too.
    """
    holding = holding or {}
    found: list[Purse] = []
    unknown: list[UnknownCode] = []
    programme = campaign_queries.active_programme() if requests else None
    today = campaign_queries.today_of(programme, now)
    for number, request in enumerate(requests, 1):
        if request.kind == AccountKind.GIFT_CARD:
            card = GiftCard.objects.select_related("account").filter(digest=sealing.digest(request.code)).first()
            if card is None:
                unknown.append(UnknownCode(request.code.strip()[:64]))
            else:
                found.append(_card(f"gift_card:{number}", card, request, currency, today, holding))
        else:
            found.append(_customers(request, customer, currency, programme, now, today, holding))
    return found, unknown


def _card(
    key: str, card: GiftCard, request: TenderRequest, currency: str, today: datetime.date, holding: Mapping[int, int]
) -> Purse:
    refusal = None
    if not card.is_active:
        refusal = Reason.NOT_LIVE
    elif card.last_usable_on is not None and today > card.last_usable_on:
        refusal = Reason.CODE_EXPIRED
    elif card.currency != currency:
        refusal = Reason.WRONG_CURRENCY
    available = card.account.balance + holding.get(card.account.pk, 0)
    return Purse(key, AccountKind.GIFT_CARD, available, card.account, refusal=refusal, wanted=request.amount, code=request.code)


def _customers(
    request: TenderRequest,
    customer: Customer | None,
    currency: str,
    programme: LoyaltyProgramme | None,
    now: datetime.datetime,
    today: datetime.date,
    holding: Mapping[int, int],
) -> Purse:
    """Points and credit need somebody whose they are; points, a programme that says what they are worth in this currency."""
    if customer is None:
        return Purse(request.kind, request.kind, refusal=Reason.NOT_ELIGIBLE, wanted=request.amount)
    is_points = request.kind == AccountKind.POINTS
    value = Decimal(1)
    if is_points:
        text = (programme.point_values if programme else {}).get(currency)
        if text is None:
            return Purse(request.kind, request.kind, refusal=Reason.WRONG_CURRENCY, wanted=request.amount)
        value = Decimal(text)
    account = account_of_customer(request.kind, POINTS if is_points else currency, customer)
    if account is None:
        return Purse(request.kind, request.kind, wanted=request.amount)
    rows = Lot.objects.filter(account__customer=customer, remaining__gt=0, usable_at__lte=now).exclude(last_usable_on__lt=today)
    # Pending points whose time has come count: they become usable before they are spent.
    kinds = [AccountKind.POINTS, AccountKind.POINTS_PENDING] if is_points else [AccountKind.CREDIT]
    left = sum(rows.filter(account__kind__in=kinds, account__unit=account.unit).values_list("remaining", flat=True))
    left += holding.get(account.pk, 0)
    available = loyalty.worth(max(0, left), value) if is_points else left
    return Purse(request.kind, request.kind, available, account, value, wanted=request.amount)


def pay(
    *,
    redemption: Redemption,
    purses: Sequence[Purse],
    applied: Sequence[Applied],
    by: str,
    now: datetime.datetime,
    today: datetime.date,
    held: Mapping[str, Mapping[str, int]] | None = None,
) -> list[Tender]:
    """Take what the decision says each tender pays, in the caller's transaction. Raises ``NotEnough`` when it is gone.

    ``purses`` come in the order of their accounts; what a reservation has ``held`` was taken before, and is what is paid with.
    """
    items = {item.incentive: item for item in applied}
    found = []
    for position, purse in enumerate(purses):
        item = items.get(purse.key)
        if item is None or purse.account is None or not item.stored_value:
            continue
        units = purse.units(item.stored_value)
        known = (held or {}).get(purse.key)
        if known is not None and known["units"] == units:
            posting = Posting.objects.get(pk=known["posting"])
        else:
            posting = spend(
                account=purse.account,
                amount=units,
                key=f"pay:{redemption.public_id}:{purse.key}",
                by=by,
                now=now,
                today=today,
                redemption=redemption,
                kind=PostingKind.SPEND,
            )
        shares = {f"line:{share.id}": share.amount for share in item.lines}
        shares |= {f"shipping:{share.id}": share.amount for share in item.shipping}
        found.append(
            Tender.objects.create(
                redemption=redemption,
                position=position,
                kind=purse.kind,
                posting=posting,
                amount=item.stored_value,
                units=units,
                shares=shares,
            )
        )
    return found


def tender_of(data: object, pointer: str) -> tuple[TenderRequest | None, list[tuple[str, str, str]]]:
    """One tender as JSON says it, and its faults (pointer, code, sentence)."""
    if not isinstance(data, dict) or data.get("type") not in KINDS:
        return None, [(f"{pointer}/type", "unknown-value", _("One of: points, credit, gift_card."))]
    faults = [
        (f"{pointer}/{name}", "unknown-field", _("This is not a field here."))
        for name in data
        if name not in {"type", "amount", "code"}
    ]
    amount, code = data.get("amount"), data.get("code", "")
    if amount is not None and (type(amount) is not int or amount < 1):
        faults.append((f"{pointer}/amount", "out-of-range", _("A whole number of minor units, at least 1.")))
        amount = None
    if not isinstance(code, str) or len(code) > 200 or (data["type"] == AccountKind.GIFT_CARD) is not bool(code):
        faults.append((f"{pointer}/code", "bad-code", _("A gift card, and nothing else, has a code.")))
        code = ""
    return TenderRequest(data["type"], amount, code), faults
