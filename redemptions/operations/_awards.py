"""Give what a decision awards beside the price: points, credit, contest entries, access, further incentives."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass

from campaigns import queries as campaign_queries
from campaigns.models import Incentive, LoyaltyProgramme
from campaigns.operations import NotGrantable, grant
from campaigns.rules.awards import Awarded, AwardType
from campaigns.rules.decision import Applied
from campaigns.rules.expiry import RoundUp, last_usable_day
from customers.models import Channel, Customer
from incentives_site.shared.jobs import enqueue

from ..models import Access, AccountKind, PostingKind, Redemption
from ._ledger import POINTS, Holder, account_of, earn, other_side, post


@dataclass(frozen=True, slots=True)
class Occasion:
    """What is awarded: an order redeemed here, or a purchase made elsewhere.

    ``key`` begins the keys of its postings; ``earned_at`` is when the return window begins, ``today`` that day.
    """

    key: str
    channel: Channel
    currency: str
    earned_at: datetime.datetime
    today: datetime.date
    redemption: Redemption | None = None


def award(
    *,
    redemption: Redemption,
    customer: Customer,
    applied: Mapping[Incentive, Applied],
    by: str,
    now: datetime.datetime,
    today: datetime.date,
) -> None:
    """Book the awards of each applied incentive for ``customer``, once for the redemption, in the caller's transaction."""
    key = f"award:{redemption.public_id}"
    occasion = Occasion(key, redemption.channel, redemption.currency, now, today, redemption)
    award_on(occasion, customer=customer, applied=applied, by=by, now=now)


def award_on(
    occasion: Occasion, *, customer: Customer, applied: Mapping[Incentive, Applied], by: str, now: datetime.datetime
) -> None:
    """Book the awards of each applied incentive for ``customer``, once for the occasion, in the caller's transaction."""
    programme = campaign_queries.active_programme() if any(item.awards for item in applied.values()) else None
    earns_points = False
    for incentive, item in applied.items():
        for number, given in enumerate(item.awards):
            earns_points = earns_points or given.type is AwardType.POINTS
            _give(occasion, customer, incentive, given, f"{occasion.key}:{incentive.pk}:{number}", programme, by, now)
    if earns_points and programme is not None and programme.tiers_by:
        enqueue("redemptions.tasks.refresh_tier", customer=customer.pk)


def _give(
    occasion: Occasion,
    customer: Customer,
    incentive: Incentive,
    given: Awarded,
    key: str,
    programme: LoyaltyProgramme | None,
    by: str,
    now: datetime.datetime,
) -> None:
    match given.type:
        case AwardType.POINTS | AwardType.CREDIT:
            is_points = given.type is AwardType.POINTS
            pending = datetime.timedelta(days=programme.pending_days if programme and is_points else 0)
            earn(
                customer=customer,
                unit=POINTS if is_points else occasion.currency,
                amount=given.quantity,
                key=key,
                by=by,
                now=now,
                usable_at=occasion.earned_at + pending,
                last_usable_on=given.last_usable_day or (_programmes_end(programme, occasion.today) if is_points else None),
                campaign=incentive.campaign,
                redemption=occasion.redemption,
                reason=incentive.name,
            )
        case AwardType.CONTEST_ENTRY:
            entries = account_of(Holder(AccountKind.ENTRIES, "entries", customer, contest=given.key))
            post(
                kind=PostingKind.EARN,
                key=key,
                moves={entries: given.quantity, other_side(entries): -given.quantity},
                by=by,
                now=now,
                redemption=occasion.redemption,
                reason=incentive.name,
            )
        case AwardType.ACCESS:
            # What it opens is closed by a return: there is none of a purchase from elsewhere.
            if occasion.redemption is None:
                return
            Access.objects.get_or_create(
                redemption=occasion.redemption,
                incentive=incentive,
                key=given.key,
                defaults={"customer": customer, "opened_at": now},
            )
        case AwardType.GRANT:
            _grant(occasion, customer, given.key, by, now)


def _programmes_end(programme: LoyaltyProgramme | None, today: datetime.date) -> datetime.date | None:
    if programme is None or programme.valid_months is None:
        return None
    rounding = RoundUp(programme.round_up_to_end_of) if programme.round_up_to_end_of else None
    return last_usable_day(today, valid_months=programme.valid_months, round_up_to_end_of=rounding)


def _grant(occasion: Occasion, customer: Customer, name: str, by: str, now: datetime.datetime) -> None:
    """What is given may have ended since it was promised: then the sale still stands, and nothing is given."""
    incentive = campaign_queries.incentive_given(name)
    if incentive is None:
        return
    try:
        grant(
            customer=customer,
            incentive=incentive,
            channel=occasion.channel,
            by=by,
            now=now,
            occasion=occasion.key,
            reason="award",
        )
    except NotGrantable:
        return
