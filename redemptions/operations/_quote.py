"""The dry run: what a basket would cost with what is live for this customer, channel and codes. Writes nothing."""

import datetime
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from campaigns import queries as campaign_queries
from campaigns.models import Incentive
from campaigns.operations import CodeGuard, Demand, bounded, decide, understood
from campaigns.rules.awards import AwardType
from campaigns.rules.basket import Basket
from campaigns.rules.decision import Applied, Decision
from campaigns.rules.facts import Surroundings
from campaigns.rules.language import Reader, read_basket
from campaigns.rules.limits import HOT_SLOTS, slot
from campaigns.rules.policy import Policy
from campaigns.wording import decision_as_data, with_masked_codes
from customers import queries as customer_queries
from customers.models import Channel, Customer, Store
from customers.rules.faults import Misunderstood
from incentives_site.shared.sealing import masked

from ._tenders import MOST_TENDERS, PAYMENT, Purse, TenderRequest, tender_of
from ._tenders import purses as pay_with

NOTHING_HELD = campaign_queries.Holding()
MOST_CODES = 30
MOST_CAMPAIGNS = 50
MOST_IMAGINED = 1_000


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked: a basket as JSON-able data (``docs/api.md``), who and where, and the codes shown.

    ``channel`` and ``store`` are keys. They and a customer who is only ``Named`` are looked up with everything else, in the
    quote's one question.
    """

    currency: str
    basket: Mapping[str, Any]
    channel: str
    customer: Customer | customer_queries.Named | None = None
    store: str = ""
    codes: Sequence[str] = ()
    # What somebody wants to pay with, as JSON-able data: ``{"type": "points", "amount": 500}``.
    tenders: Sequence[Mapping[str, Any]] = ()
    # Counts wrong codes and stops guessing; without one nobody counts.
    guard: CodeGuard | None = None


@dataclass(frozen=True, slots=True)
class Quote:
    """The decision with the rows behind it. ``customer`` may have been found out by the code of a grant."""

    request: Request
    basket: Basket
    decision: Decision
    channel: Channel
    store: Store | None
    customer: Customer | None
    sources: Mapping[str, campaign_queries.Source]
    limits: Mapping[str, tuple[Any, ...]]
    purses: Sequence[Purse] = ()
    surroundings: Mapping[str, Any] = field(default_factory=dict)
    # Whether partners are told of the event that the quote is made for.
    is_told: bool = False
    # Which slot of a limit that is counted in several: any, so that not everybody takes the same.
    slot: int = field(default_factory=lambda: secrets.randbelow(HOT_SLOTS))

    @property
    def incentives(self) -> list[Applied]:
        """What was applied of campaigns, without what only pays."""
        return [item for item in self.decision.applied if item.incentive in self.sources]

    def source_of(self, item: Applied) -> campaign_queries.Source:
        """The rows behind one of ``incentives``."""
        return self.sources[item.incentive]

    @property
    def purses_in_order(self) -> list[Purse]:
        """By account, as everybody takes them."""
        return sorted(self.purses, key=lambda purse: purse.account.pk if purse.account else 0)

    def demands(self, item: Applied) -> list[Demand]:
        """What one applied incentive uses of each limit that guards it, and under whose count."""
        limits = self.limits[item.incentive]
        if not limits:
            return []
        # Nobody unknown is given points.
        points = sum(award.quantity for award in item.awards if award.type is AwardType.POINTS) if self.customer else 0
        used = {"amount": item.amount, "units": item.units, "order_value": self.decision.totals.items, "points": points}
        return [
            Demand(limit.id, slot(self.slot % limit.slots) if limit.slots > 1 else limit.subject, wanted)
            for limit in limits
            if (wanted := limit.wanted(**used))
        ]

    @property
    def data(self) -> dict[str, Any]:
        """The decision as JSON-able data, with names in its sentences."""
        rows = {key: source.incentive for key, source in self.sources.items()}
        return decision_as_data(
            self.decision,
            {key: row.name for key, row in rows.items()},
            {key: row.sentences for key, row in rows.items() if row.sentences},
        )

    @property
    def public_codes(self) -> set[str]:
        """The codes shown that are a campaign's public word, as they were typed; all others are secrets of their holders."""
        decision = self.decision
        return {
            item.code
            for items in (decision.applied, decision.inapplicable, decision.skipped)
            for item in items
            if item.code and (source := self.sources.get(item.incentive)) and source.grant is None and source.code_id is None
        }

    def stored(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """``data`` of the decision as it may be stored: secret codes are masked."""
        return with_masked_codes(data, public=self.public_codes)

    @property
    def stored_codes(self) -> list[str]:
        """The codes shown, as they may be stored."""
        public = self.public_codes
        return [code if code.strip() in public else masked(code.strip()) for code in self.request.codes]


def quote(
    request: Request,
    *,
    now: datetime.datetime,
    campaigns: Sequence[str] = (),
    holding: campaign_queries.Holding = NOTHING_HELD,
    event: str = "",
) -> Quote:
    """Decide what ``request`` gets at ``now``.

    ``campaigns`` are public ids of some that are considered as if they were live, whatever their status: what would happen, not
    what does. What is ``holding`` by a reservation of the same order is free for it. ``event`` is the type of what partners are
    told, if it is not only quoted. Raises ``Invalid`` with a pointer for each fault of the basket, ``ChannelUnknown``,
    ``StoreUnknown``, ``CustomerUnknown``, ``TooManyWrongCodes``, ``TooComplex``.
    """
    with bounded() as work:
        reader = Reader(work=work)
        basket = read_basket(request.basket, currency=request.currency, reader=reader)
    if len(request.codes) > MOST_CODES:
        reader.fault("/codes", "too-many", f"At most {MOST_CODES} codes.")
    imagined = _imagined(campaigns, reader)
    tenders = _tenders(request.tenders, reader)
    try:
        reader.finish()
    except Misunderstood as error:
        raise understood(error) from None
    found = campaign_queries.candidates(
        basket=basket,
        channel=request.channel,
        store=request.store,
        customer=request.customer,
        sent=request.codes,
        now=now,
        imagined=imagined,
        holding=holding,
        event=event,
    )
    channel, customer = found.channel, found.customer
    if channel is None:
        raise customer_queries.ChannelUnknown
    purses, unknown_cards = (
        pay_with(tenders, customer=customer, currency=request.currency, now=now, holding=holding.value) if tenders else ([], [])
    )
    if request.guard is not None and (request.codes or any("code" in tender for tender in request.tenders)):
        named = str(customer.public_id) if customer is not None and request.customer is not None else ""
        wrong = len(found.unknown_codes) + len(unknown_cards)
        request.guard(wrong=wrong, store=request.store, customer=named)
    surroundings = Surroundings(
        now=now,
        channel_key=channel.key,
        channel_kind=channel.kind,
        store_key=request.store,
        customer=customer_queries.known_of(customer) if customer else None,
    )
    decision = decide(
        basket=basket,
        candidates=[*found.candidates, *(purse.candidate(position) for position, purse in enumerate(purses))],
        groups={**found.groups, PAYMENT.key: PAYMENT} if purses else found.groups,
        policy=Policy(),
        unknown_codes=[*found.unknown_codes, *unknown_cards],
        surroundings=surroundings,
        work=work,
    )
    limits = {candidate.key: candidate.standing.limits for candidate in found.candidates}
    return Quote(
        request,
        basket,
        decision,
        channel,
        found.store,
        customer,
        found.sources,
        limits,
        purses,
        _kept(surroundings),
        found.is_told,
    )


def _kept(surroundings: Surroundings) -> dict[str, Any]:
    """What a redemption keeps of its surroundings, so that it can be decided again."""
    return {
        "at": surroundings.now.isoformat(),
        "channel": {"key": surroundings.channel_key, "kind": surroundings.channel_kind},
        "store": surroundings.store_key,
        "customer": surroundings.customer,
    }


def _tenders(asked: Sequence[Mapping[str, Any]], reader: Reader) -> list[TenderRequest]:
    if len(asked) > MOST_TENDERS:
        reader.fault("/tenders", "too-many", f"At most {MOST_TENDERS} tenders.")
        return []
    found = []
    for position, item in enumerate(asked):
        tender, faults = tender_of(item, f"/tenders/{position}")
        for fault in faults:
            reader.fault(*fault)
        if tender is not None:
            found.append(tender)
    kinds = [tender.kind for tender in found if not tender.code]
    if len(set(kinds)) < len(kinds):
        reader.fault("/tenders", "repeated", "Points and credit are named once.")
    return found


def _imagined(campaigns: Sequence[str], reader: Reader) -> list[Incentive]:
    """The incentives of the campaigns; those that are not there become faults."""
    if not campaigns:
        return []
    if len(campaigns) > MOST_CAMPAIGNS:
        reader.fault("/campaigns", "too-many", f"At most {MOST_CAMPAIGNS} campaigns.")
        return []
    found = campaign_queries.campaigns_by_public_ids(campaigns)
    for position, campaign in enumerate(found):
        if campaign is None:
            reader.fault(f"/campaigns/{position}", "campaign-unknown", "There is no such campaign.")
    rows = list(campaign_queries.incentives_of([campaign for campaign in found if campaign is not None])[: MOST_IMAGINED + 1])
    if len(rows) > MOST_IMAGINED:
        reader.fault("/campaigns", "too-many", f"At most {MOST_IMAGINED:,} incentives in all of them.")
    return rows
