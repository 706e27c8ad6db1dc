"""What campaigns brought, per channel, incentive and day; and the figures of the home page.

A redemption here is one incentive used on one order and not returned. Revenue is attributed: what was paid for the orders on
which an incentive of the campaign was used, each order once. It is not what the campaign added; that needs a comparison. Amounts
are minor units of the campaign's currency: what was given in another one, or what a source did not record, is counted apart and
never estimated.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum

from campaigns.models import Campaign, Grant, GrantState, Incentive, LimitCounter, Measure, Per, Status, TargetedCustomer
from customers.models import Channel

from ..models import AppliedIncentive

RATE_DIGITS = Decimal("0.000001")
# Redeemers, redemptions, discount, discounts not recorded, revenue: as the statements below give them.
Counted = tuple[int, int, int, int, int]
NOTHING: Counted = (0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Totals:
    """``granted`` is ``None`` when the source does not say who held what; ``redeemers`` are known customers, each once."""

    targeted: int
    granted: int | None
    redeemers: int
    redemptions: int
    discount: int
    discount_unrecorded: int
    revenue: int

    @property
    def redemption_rate(self) -> Decimal | None:
        """Redeemers ÷ targeted, with six digits; ``None`` when nobody was targeted."""
        return rate(self.redeemers, self.targeted)


@dataclass(frozen=True, slots=True)
class ChannelResult:
    """``granted`` counts the grants given in the channel, the rest what was redeemed there."""

    channel: str
    name: str
    granted: int | None
    redeemers: int
    redemptions: int
    discount: int
    discount_unrecorded: int
    revenue: int


@dataclass(frozen=True, slots=True)
class IncentiveResult:
    """Revenue counts an order for each incentive used on it, so the sum may be more than the campaign's."""

    incentive: UUID
    key: str
    name: str
    granted: int | None
    redeemers: int
    redemptions: int
    discount: int
    discount_unrecorded: int
    revenue: int

    @property
    def redemption_rate(self) -> Decimal | None:
        """Redeemers ÷ grants; ``None`` when none was granted, or it was not recorded."""
        return rate(self.redeemers, self.granted or 0)


@dataclass(frozen=True, slots=True)
class DayResult:
    """A day of the campaign's time zone."""

    on: dt.date
    redemptions: int
    discount: int
    revenue: int


@dataclass(frozen=True, slots=True)
class CampaignResults:
    """``by_day`` has every day from the first redemption to the last; ``by_incentive`` has every incentive."""

    totals: Totals
    by_channel: tuple[ChannelResult, ...]
    by_incentive: tuple[IncentiveResult, ...]
    by_day: tuple[DayResult, ...]


def rate(part: int, whole: int) -> Decimal | None:
    return (Decimal(part) / Decimal(whole)).quantize(RATE_DIGITS) if whole else None


# One row for the whole, for each channel and for each day: the orders are formed once and grouped three times.
_BY_ORDER = """
    WITH orders AS (
        SELECT r.id, r.customer_id, r.channel_id, (r.redeemed_at AT TIME ZONE %(zone)s)::date AS day, r.payable,
               r.currency = %(currency)s AS counts, count(*) AS uses, sum(a.amount) AS discount,
               count(*) FILTER (WHERE a.amount IS NULL OR r.currency <> %(currency)s) AS unrecorded
        FROM redemptions_appliedincentive a JOIN redemptions_redemption r ON r.id = a.redemption_id
        WHERE a.campaign_id = %(campaign)s AND a.returned_at IS NULL
          AND (%(since)s::timestamptz IS NULL OR r.redeemed_at >= %(since)s)
          AND (%(until)s::timestamptz IS NULL OR r.redeemed_at < %(until)s)
        GROUP BY r.id
    )
    SELECT channel_id, day, count(DISTINCT customer_id)::int, coalesce(sum(uses), 0)::bigint,
           coalesce(sum(discount) FILTER (WHERE counts), 0)::bigint, coalesce(sum(unrecorded), 0)::bigint,
           coalesce(sum(payable) FILTER (WHERE counts), 0)::bigint
    FROM orders GROUP BY GROUPING SETS ((), (channel_id), (day)) ORDER BY day, channel_id
"""
_BY_INCENTIVE = """
    SELECT a.incentive_id, count(DISTINCT r.customer_id)::int, count(*)::int,
           coalesce(sum(a.amount) FILTER (WHERE r.currency = %(currency)s), 0)::bigint,
           count(*) FILTER (WHERE a.amount IS NULL OR r.currency <> %(currency)s)::int,
           coalesce(sum(r.payable) FILTER (WHERE r.currency = %(currency)s), 0)::bigint
    FROM redemptions_appliedincentive a JOIN redemptions_redemption r ON r.id = a.redemption_id
    WHERE a.campaign_id = %(campaign)s AND a.returned_at IS NULL
      AND (%(since)s::timestamptz IS NULL OR r.redeemed_at >= %(since)s)
      AND (%(until)s::timestamptz IS NULL OR r.redeemed_at < %(until)s)
    GROUP BY a.incentive_id
"""


def campaign_results(
    campaign: Campaign, *, since: dt.datetime | None = None, until: dt.datetime | None = None
) -> CampaignResults:
    """The results of one campaign, in six queries whatever it holds.

    ``since`` (included) and ``until`` (excluded) choose by the instant of redemption and of granting; whom the campaign was
    addressed to does not depend on them.
    """
    parameters = {
        "campaign": campaign.pk,
        "currency": campaign.currency,
        "zone": campaign.time_zone,
        "since": since,
        "until": until,
    }
    granted = _granted(campaign, since, until)
    recorded = campaign.grants_are_recorded

    overall = NOTHING
    channels: dict[int, Counted] = {}
    days: dict[dt.date, Counted] = {}
    for channel, day, *row in _rows(_BY_ORDER, parameters):
        counted: Counted = (row[0], row[1], row[2], row[3], row[4])
        if channel is not None:
            channels[channel] = counted
        elif day is not None:
            days[day] = counted
        else:
            overall = counted

    granted_in: dict[int, int] = {}
    granted_of: dict[int, int] = {}
    for incentive, channel, number in granted:
        granted_in[channel] = granted_in.get(channel, 0) + number
        granted_of[incentive] = granted_of.get(incentive, 0) + number

    involved = Channel.objects.filter(pk__in={*channels, *granted_in}).order_by("name")
    used: dict[int, Counted] = {row[0]: (row[1], row[2], row[3], row[4], row[5]) for row in _rows(_BY_INCENTIVE, parameters)}
    return CampaignResults(
        Totals(
            targeted=TargetedCustomer.objects.filter(campaign=campaign).count(),
            granted=sum(granted_of.values()) if recorded else None,
            redeemers=overall[0],
            redemptions=overall[1],
            discount=overall[2],
            discount_unrecorded=overall[3],
            revenue=overall[4],
        ),
        tuple(
            ChannelResult(
                channel.key, channel.name, granted_in.get(channel.pk, 0) if recorded else None, *channels.get(channel.pk, NOTHING)
            )
            for channel in involved
        ),
        tuple(
            IncentiveResult(public_id, key, name, granted_of.get(id_, 0) if recorded else None, *used.get(id_, NOTHING))
            for id_, public_id, key, name in Incentive.objects.filter(campaign=campaign)
            .order_by("pk")
            .values_list("pk", "public_id", "key", "name")
        ),
        _every_day(days),
    )


def _granted(campaign: Campaign, since: dt.datetime | None, until: dt.datetime | None) -> Iterable[tuple[int, int, int]]:
    """(incentive, channel, grants); nothing when the source does not say."""
    if not campaign.grants_are_recorded:
        return ()
    grants = Grant.objects.filter(incentive__campaign=campaign)
    if since:
        grants = grants.filter(granted_at__gte=since)
    if until:
        grants = grants.filter(granted_at__lt=until)
    return grants.values_list("incentive_id", "channel_id").annotate(number=Count("pk")).order_by()


def _every_day(days: dict[dt.date, Counted]) -> tuple[DayResult, ...]:
    if not days:
        return ()
    first, last = min(days), max(days)
    dates = (first + dt.timedelta(days=n) for n in range((last - first).days + 1))
    figures = ((on, days.get(on, NOTHING)) for on in dates)
    return tuple(DayResult(on, redemptions, discount, revenue) for on, (_, redemptions, discount, _, revenue) in figures)


def _rows(statement: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


# --- Lists -----------------------------------------------------------------------------------------------------------


def campaign_summaries(campaign_ids: Sequence[int]) -> dict[int, Totals]:
    """The totals of each of the campaigns, by its id, in two queries however many there are."""
    recorded = dict(Campaign.objects.filter(pk__in=campaign_ids).values_list("pk", "grants_are_recorded"))
    rows = _rows(
        """
        WITH orders AS (
            SELECT a.campaign_id, r.customer_id, r.payable, r.currency = own.currency AS counts, count(*) AS uses,
                   sum(a.amount) AS discount,
                   count(*) FILTER (WHERE a.amount IS NULL OR r.currency <> own.currency) AS unrecorded
            FROM redemptions_appliedincentive a JOIN redemptions_redemption r ON r.id = a.redemption_id
                 JOIN campaigns_campaign own ON own.id = a.campaign_id
            WHERE a.campaign_id = ANY(%(campaigns)s) AND a.returned_at IS NULL
            GROUP BY a.campaign_id, own.currency, r.id
        ), redeemed AS (
            SELECT campaign_id, count(DISTINCT customer_id)::int AS redeemers, sum(uses)::bigint AS redemptions,
                   coalesce(sum(discount) FILTER (WHERE counts), 0)::bigint AS discount,
                   sum(unrecorded)::bigint AS unrecorded,
                   coalesce(sum(payable) FILTER (WHERE counts), 0)::bigint AS revenue
            FROM orders GROUP BY campaign_id
        ), targeted AS (
            SELECT campaign_id, count(*)::int AS customers FROM campaigns_targetedcustomer
            WHERE campaign_id = ANY(%(campaigns)s) GROUP BY campaign_id
        ), granted AS (
            SELECT i.campaign_id, count(*)::int AS grants
            FROM campaigns_grant g JOIN campaigns_incentive i ON i.id = g.incentive_id
            WHERE i.campaign_id = ANY(%(campaigns)s) GROUP BY i.campaign_id
        )
        SELECT c.id, coalesce(customers, 0), coalesce(grants, 0), coalesce(redeemers, 0), coalesce(redemptions, 0),
               coalesce(discount, 0), coalesce(unrecorded, 0), coalesce(revenue, 0)
        FROM campaigns_campaign c
        LEFT JOIN targeted ON targeted.campaign_id = c.id
        LEFT JOIN granted ON granted.campaign_id = c.id
        LEFT JOIN redeemed ON redeemed.campaign_id = c.id
        WHERE c.id = ANY(%(campaigns)s)
        """,
        {"campaigns": list(campaign_ids)},
    )
    return {id_: Totals(targeted, granted if recorded[id_] else None, *figures) for id_, targeted, granted, *figures in rows}


def recent_redemptions(campaign: Campaign | None = None, limit: int = 10) -> QuerySet[AppliedIncentive]:
    """The newest uses of incentives, of one campaign or of all, also the returned ones; without further queries when shown."""
    found = AppliedIncentive.objects.all() if campaign is None else AppliedIncentive.objects.filter(campaign=campaign)
    return found.select_related(
        "campaign", "incentive", "redemption__customer", "redemption__channel", "redemption__store"
    ).order_by("-redemption__redeemed_at", "-redemption_id", "position")[:limit]


# --- The home page ---------------------------------------------------------------------------------------------------

DAYS_SHOWN = 30
ENDING_SOON = dt.timedelta(days=3)
QUIET_AFTER = dt.timedelta(days=3)
BUDGET_PERCENT = 90
MOST_ATTENTION = 20


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one currency: sums over several would mean nothing."""

    redemptions: int = 0
    discount: int = 0
    revenue: int = 0


class Reason(StrEnum):
    """Why a campaign needs a look."""

    ENDS_SOON = "ends-soon"
    BUDGET_NEARLY_USED = "budget-nearly-used"
    NOT_REDEEMED = "not-redeemed"
    WITHOUT_INCENTIVE = "without-incentive"


@dataclass(frozen=True, slots=True)
class Attention:
    """``ends_at`` is given with ``ENDS_SOON``, ``percent`` (of the budget used) with ``BUDGET_NEARLY_USED``."""

    reason: Reason
    campaign: UUID
    name: str
    ends_at: dt.datetime | None = None
    percent: int | None = None


@dataclass(frozen=True, slots=True)
class Headline:
    """Weeks and days are counted back from now in steps of 24 hours. ``days`` has the redemptions of 30 of them, oldest first.

    ``all_time`` and ``last_redeemed_at`` show what there is when nothing happened lately. Amounts are in ``currency``, the one
    most redemptions are in; redemptions in others count in ``redemptions`` only.
    """

    currency: str
    live_campaigns: int
    held_grants: int
    this_week: Figures
    week_before: Figures
    all_time: Figures
    days: tuple[int, ...]
    last_redeemed_at: dt.datetime | None
    attention: tuple[Attention, ...]


_LATELY = """
    WITH orders AS (
        SELECT r.currency, r.payable, floor(extract(epoch FROM %(now)s - r.redeemed_at) / 86400)::int AS days_ago,
               count(*) AS uses, sum(a.amount) AS discount
        FROM redemptions_appliedincentive a JOIN redemptions_redemption r ON r.id = a.redemption_id
        WHERE a.returned_at IS NULL AND r.redeemed_at > %(since)s AND r.redeemed_at <= %(now)s
        GROUP BY r.id
    )
    SELECT currency, days_ago, sum(uses)::int, coalesce(sum(discount), 0)::bigint, coalesce(sum(payable), 0)::bigint
    FROM orders GROUP BY currency, days_ago
"""
# Without a join of the two long tables: this is asked of everything there ever was.
_EVER = """
    SELECT currency, sum(uses)::bigint, coalesce(sum(discount), 0)::bigint, coalesce(sum(revenue), 0)::bigint, max(last)
    FROM (
        SELECT c.currency, count(*) AS uses, sum(a.amount) AS discount, NULL::bigint AS revenue, NULL::timestamptz AS last
        FROM redemptions_appliedincentive a JOIN campaigns_campaign c ON c.id = a.campaign_id
        WHERE a.returned_at IS NULL GROUP BY c.currency
        UNION ALL
        SELECT currency, 0, NULL, sum(payable), max(redeemed_at)
        FROM redemptions_redemption WHERE returned_at IS NULL GROUP BY currency
    ) AS parts
    GROUP BY currency
"""


def headline(now: dt.datetime) -> Headline:
    """The home page's figures, in eight queries whatever there is."""
    ever = {currency: (Figures(*figures), last) for currency, *figures, last in _rows(_EVER, {})}
    currency = max(ever, key=lambda c: (ever[c][0].redemptions, c), default=Campaign._meta.get_field("currency").default)
    days = [0] * DAYS_SHOWN
    weeks = [Figures(), Figures()]
    for theirs, days_ago, *figures in _rows(_LATELY, {"now": now, "since": now - dt.timedelta(days=DAYS_SHOWN)}):
        days[-1 - days_ago] += figures[0]
        if days_ago < 14:
            week = weeks[days_ago // 7]
            discount, revenue = figures[1:] if theirs == currency else (0, 0)
            weeks[days_ago // 7] = Figures(week.redemptions + figures[0], week.discount + discount, week.revenue + revenue)
    live = Campaign.objects.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=now), status=Status.LIVE)
    in_currency = ever.get(currency, (Figures(), None))[0]
    return Headline(
        currency=currency,
        live_campaigns=live.count(),
        held_grants=Grant.objects.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=now), state=GrantState.HELD).count(),
        this_week=weeks[0],
        week_before=weeks[1],
        all_time=replace(in_currency, redemptions=sum(figures.redemptions for figures, _ in ever.values())),
        days=tuple(days),
        last_redeemed_at=max((last for _, last in ever.values() if last), default=None),
        attention=_attention(live, now),
    )


def _attention(live: QuerySet[Campaign], now: dt.datetime) -> tuple[Attention, ...]:
    """The most pressing first; at most ``MOST_ATTENTION`` of each reason."""
    ending = live.filter(ends_at__lte=now + ENDING_SOON).order_by("ends_at", "pk")
    budgets = (
        LimitCounter.objects.filter(
            limit__campaign__in=live, limit__measure=Measure.DISCOUNT, limit__per=Per.TOTAL, limit__maximum__gt=0
        )
        .values_list("limit__campaign__public_id", "limit__campaign__name", "limit__maximum")
        .annotate(sum_used=Sum("used"))
        .filter(sum_used__gte=F("limit__maximum") * BUDGET_PERCENT / 100)
        .order_by("limit__campaign__name")
    )
    uses = AppliedIncentive.objects.filter(campaign=OuterRef("pk"), returned_at__isnull=True)
    quiet = live.filter(~Exists(uses), launched_at__lte=now - QUIET_AFTER).order_by("launched_at", "pk")
    empty = Campaign.objects.filter(~Exists(Incentive.objects.filter(campaign=OuterRef("pk"))), status=Status.DRAFT).order_by(
        "-pk"
    )
    return (
        *(Attention(Reason.ENDS_SOON, c.public_id, c.name, ends_at=c.ends_at) for c in ending[:MOST_ATTENTION]),
        *(
            Attention(Reason.BUDGET_NEARLY_USED, public_id, name, percent=used * 100 // maximum)
            for public_id, name, maximum, used in budgets[:MOST_ATTENTION]
        ),
        *(Attention(Reason.NOT_REDEEMED, c.public_id, c.name) for c in quiet[:MOST_ATTENTION]),
        *(Attention(Reason.WITHOUT_INCENTIVE, c.public_id, c.name) for c in empty[:MOST_ATTENTION]),
    )
