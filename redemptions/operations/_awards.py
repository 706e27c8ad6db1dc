"""Give what a decision awards beside the price: points, credit, contest entries, access, further incentives."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import connection

from campaigns import queries as campaign_queries
from campaigns.models import Grant, Incentive, LoyaltyProgramme
from campaigns.operations import NotGrantable, grant
from campaigns.rules.awards import Awarded, AwardType
from campaigns.rules.decision import Applied
from campaigns.rules.expiry import RoundUp, last_usable_day
from customers.models import Channel, Customer
from incentives_site.shared.jobs import enqueue

from .. import queries
from ..models import Access, AccountKind, Posting, PostingKind, Redemption
from ._ledger import POINTS, Holder, account_of, earn, other_side, post


@dataclass(frozen=True, slots=True)
class Occasion:
    """What is awarded: an order redeemed here, or a purchase made elsewhere.

    ``key`` begins the keys of its postings; ``earned_at`` is when the return window begins, ``today`` that day. What was booked
    under the keys ``before`` is not booked again.
    """

    key: str
    channel: Channel
    currency: str
    earned_at: datetime.datetime
    today: datetime.date
    redemption: Redemption | None = None
    before: Sequence[str] = ()


def award(
    *,
    redemption: Redemption,
    customer: Customer,
    applied: Mapping[Incentive, Applied],
    by: str,
    now: datetime.datetime,
    today: datetime.date,
) -> None:
    """Book the awards of each applied incentive for ``customer``, once for the redemption, in the caller's transaction.

    What the order earned as a purchase, before it was redeemed, is not earned again. The caller has called ``hold_order``.
    """
    key = f"award:{redemption.public_id}"
    before = queries.earned_as_purchase(redemption)
    occasion = Occasion(key, redemption.channel, redemption.currency, now, today, redemption, before)
    award_on(occasion, customer=customer, applied=applied, by=by, now=now)


def award_on(
    occasion: Occasion, *, customer: Customer, applied: Mapping[Incentive, Applied], by: str, now: datetime.datetime
) -> None:
    """Book the awards of each applied incentive for ``customer``, once for the occasion, in the caller's transaction."""
    programme = campaign_queries.active_programme() if any(item.awards for item in applied.values()) else None
    earns_points = False
    for incentive, item in applied.items():
        for given in item.awards:
            rest = f":{incentive.pk}:{given.number}"
            if occasion.before and _was_given(occasion, customer, given, rest):
                continue
            earns_points = earns_points or given.type is AwardType.POINTS
            _give(occasion, customer, incentive, given, occasion.key + rest, programme, by, now)
    if earns_points and programme is not None and programme.tiers_by:
        enqueue("redemptions.tasks.refresh_tier", customer=customer.pk)


def hold_order(order_key: str) -> None:
    """Until the transaction ends, nobody else books what an order of this key earns, whether redeemed or reported as a purchase.

    Taken before accounts are locked, by everybody.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"earning:{order_key}"])


def _was_given(occasion: Occasion, customer: Customer, given: Awarded, rest: str) -> bool:
    if given.type is AwardType.GRANT:
        incentive = campaign_queries.incentive_given(given.key)
        return Grant.objects.filter(customer=customer, incentive=incentive, occasion__in=occasion.before).exists()
    return Posting.objects.filter(key__in=[key + rest for key in occasion.before]).exists()


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
