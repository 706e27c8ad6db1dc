"""Give what a decision awards beside the price: points, credit, contest entries, access, further incentives."""

import datetime
from collections.abc import Mapping

from campaigns import queries as campaign_queries
from campaigns.models import Incentive, LoyaltyProgramme
from campaigns.operations import NotGrantable, grant
from campaigns.rules.awards import Awarded, AwardType
from campaigns.rules.decision import Applied
from campaigns.rules.expiry import RoundUp, last_usable_day
from customers.models import Customer

from ..models import Access, AccountKind, PostingKind, Redemption
from ._ledger import POINTS, Holder, account_of, earn, outside, post


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
    programme = campaign_queries.active_programme() if any(item.awards for item in applied.values()) else None
    for incentive, item in applied.items():
        for number, given in enumerate(item.awards):
            key = f"award:{redemption.public_id}:{incentive.pk}:{number}"
            _give(redemption, customer, incentive, given, key, programme, by, now, today)


def _give(
    redemption: Redemption,
    customer: Customer,
    incentive: Incentive,
    given: Awarded,
    key: str,
    programme: LoyaltyProgramme | None,
    by: str,
    now: datetime.datetime,
    today: datetime.date,
) -> None:
    match given.type:
        case AwardType.POINTS | AwardType.CREDIT:
            is_points = given.type is AwardType.POINTS
            pending = datetime.timedelta(days=programme.pending_days if programme and is_points else 0)
            earn(
                customer=customer,
                unit=POINTS if is_points else redemption.currency,
                amount=given.quantity,
                key=key,
                by=by,
                now=now,
                usable_at=now + pending,
                last_usable_on=given.last_usable_day or (_programmes_end(programme, today) if is_points else None),
                campaign=incentive.campaign,
                redemption=redemption,
                reason=incentive.name,
            )
        case AwardType.CONTEST_ENTRY:
            entries = account_of(Holder(AccountKind.ENTRIES, "entries", customer, contest=given.key))
            source = account_of(outside("entries", contest=given.key))
            post(
                kind=PostingKind.EARN,
                key=key,
                moves={entries: given.quantity, source: -given.quantity},
                by=by,
                now=now,
                redemption=redemption,
                reason=incentive.name,
            )
        case AwardType.ACCESS:
            Access.objects.get_or_create(
                redemption=redemption,
                incentive=incentive,
                key=given.key,
                defaults={"customer": customer, "opened_at": now},
            )
        case AwardType.GRANT:
            _grant(redemption, customer, given.key, by, now)


def _programmes_end(programme: LoyaltyProgramme | None, today: datetime.date) -> datetime.date | None:
    if programme is None or programme.valid_months is None:
        return None
    rounding = RoundUp(programme.round_up_to_end_of) if programme.round_up_to_end_of else None
    return last_usable_day(today, valid_months=programme.valid_months, round_up_to_end_of=rounding)


def _grant(redemption: Redemption, customer: Customer, name: str, by: str, now: datetime.datetime) -> None:
    """What is given may have ended since it was promised: then the sale still stands, and nothing is given."""
    incentive = campaign_queries.incentive_given(name)
    if incentive is None:
        return
    try:
        grant(
            customer=customer,
            incentive=incentive,
            channel=redemption.channel,
            by=by,
            now=now,
            occasion=f"award:{redemption.public_id}",
            reason="award",
        )
    except NotGrantable:
        return
