"""What the timeline says of a customer, as plain facts (``docs/insight.md``): decisions from counted rows, without a database."""

import bisect
import datetime
import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

DAY = datetime.timedelta(days=1)


class Stage(enum.StrEnum):
    """Where somebody stands on the way with the company."""

    NEW = "new"
    ACTIVE = "active"
    GROWING = "growing"
    AT_RISK = "at_risk"
    LAPSED = "lapsed"
    WON_BACK = "won_back"


class Engagement(enum.StrEnum):
    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class StageRule:
    """When somebody is new, at risk, lapsed, growing. In days; ``*_gaps`` are multiples of the customer's usual gap between
    purchases, used instead of the days where the customer has one.
    """

    new_days: int = 30
    at_risk_days: int = 90
    lapsed_days: int = 180
    at_risk_gaps: float = 1.5
    lapsed_gaps: float = 3.0
    growing_percent: int = 125


@dataclass(frozen=True, slots=True)
class Bought:
    """Purchases of one customer, counted. Amounts in minor units, less what was paid back; instants UTC, the newest first."""

    orders: int = 0
    spend: int = 0
    first_at: datetime.datetime | None = None
    last_at: datetime.datetime | None = None
    before_last_at: datetime.datetime | None = None
    with_discount: int = 0
    windows: Mapping[int, tuple[int, int]] = field(default_factory=dict)  # days → orders, spend
    spend_before_90: int = 0  # in the 90 days before the last 90
    channel: str = ""
    store: str = ""
    categories: Sequence[str] = ()
    brands: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Done:
    """What one customer did in a year: counts by what it was, and in which channels it reacted."""

    visits_30: int = 0
    active_days_30: int = 0
    sent: int = 0
    opened: int = 0
    clicked: int = 0
    granted: int = 0
    redeemed: int = 0
    last_at: datetime.datetime | None = None
    reacts_in: str = ""
    liked: Sequence[str] = ()
    redemptions: int = 0  # orders on which something was redeemed; redeemed counts the grants
    redeemed_at: datetime.datetime | None = None


@dataclass(frozen=True, slots=True)
class Scale:
    """Where fifths of all customers end, of days since the last purchase, orders and spend in a year; empty: not counted yet."""

    recency: Sequence[float] = ()
    frequency: Sequence[float] = ()
    value: Sequence[float] = ()


def insight(
    bought: Bought, done: Done, *, first_seen_at: datetime.datetime, now: datetime.datetime, rule: StageRule, scale: Scale
) -> dict[str, Any]:
    """The facts; what is not known is ``None``. Dates are UTC days, shares whole percents, amounts minor units."""
    gap = usual_gap(bought)
    return {
        "orders": bought.orders or None,
        "spend": bought.spend if bought.orders else None,
        "average_order": _half_up(bought.spend, bought.orders),
        **{f"orders_{days}d": orders for days, (orders, _spend) in bought.windows.items()},
        **{f"spend_{days}d": spend for days, (_orders, spend) in bought.windows.items()},
        "first_purchase_on": _day(bought.first_at),
        "last_purchase_on": _day(bought.last_at),
        "purchase_gap_days": gap,
        "next_purchase_on": _day(bought.last_at + gap * DAY) if bought.last_at and gap else None,
        "purchase_due": _due(bought, gap, now),
        "discount_share": _percent(bought.with_discount, bought.orders),
        "favourite_channel": bought.channel or None,
        "favourite_store": bought.store or None,
        "favourite_category": bought.categories[0] if bought.categories else None,
        "favourite_categories": list(bought.categories) or None,
        "favourite_brand": bought.brands[0] if bought.brands else None,
        "favourite_brands": list(bought.brands) or None,
        "recency_score": _score(scale.recency, -(now - bought.last_at).days if bought.last_at else None),
        "frequency_score": _score(scale.frequency, bought.windows.get(365, (0, 0))[0] if bought.orders else None),
        "value_score": _score(scale.value, bought.windows.get(365, (0, 0))[1] if bought.orders else None),
        "last_seen_on": _day(done.last_at),
        "visits_30d": done.visits_30,
        "active_days_30d": done.active_days_30,
        "engagement": engagement(done.active_days_30).value,
        "open_rate": _percent(done.opened, done.sent),
        "click_rate": _percent(done.clicked, done.sent),
        "reacts_in": done.reacts_in or None,
        "redemption_rate": _percent(min(done.redeemed, done.granted), done.granted),
        "liked_incentives": list(done.liked) or None,
        "redemptions_365d": done.redemptions or None,
        "last_redemption_on": _day(done.redeemed_at),
        "stage": stage(bought, done, first_seen_at=first_seen_at, now=now, rule=rule).value,
    }


def usual_gap(bought: Bought) -> int | None:
    """Days between two purchases, on average; ``None`` with fewer than three, which say little."""
    if bought.orders < 3 or bought.first_at is None or bought.last_at is None:
        return None
    days = (bought.last_at - bought.first_at) / DAY / (bought.orders - 1)
    return max(1, round(days)) if days > 0 else None


def engagement(active_days_30: int) -> Engagement:
    """By the days of the last 30 on which the customer did something."""
    if active_days_30 >= 8:
        return Engagement.HIGH
    if active_days_30 >= 3:
        return Engagement.MEDIUM
    return Engagement.LOW if active_days_30 else Engagement.NONE


def stage(bought: Bought, done: Done, *, first_seen_at: datetime.datetime, now: datetime.datetime, rule: StageRule) -> Stage:
    """Read from above, the first that fits: new, lapsed, at risk, won back, growing, active.

    Who never bought is judged by what it did.
    """
    if bought.last_at is None or bought.first_at is None:
        if now - first_seen_at <= rule.new_days * DAY:
            return Stage.NEW
        silent = now - max(done.last_at or first_seen_at, first_seen_at)
        if silent > rule.lapsed_days * DAY:
            return Stage.LAPSED
        return Stage.AT_RISK if silent > rule.at_risk_days * DAY else Stage.ACTIVE
    gap = usual_gap(bought)
    at_risk = rule.at_risk_gaps * gap * DAY if gap else rule.at_risk_days * DAY
    lapsed = rule.lapsed_gaps * gap * DAY if gap else rule.lapsed_days * DAY
    silent = now - bought.last_at
    if now - bought.first_at <= rule.new_days * DAY:
        return Stage.NEW
    if silent > lapsed:
        return Stage.LAPSED
    if silent > at_risk:
        return Stage.AT_RISK
    if bought.before_last_at is not None and bought.last_at - bought.before_last_at > max(lapsed, rule.lapsed_days * DAY):
        return Stage.WON_BACK
    lately = bought.windows.get(90, (0, 0))[1]
    if bought.spend_before_90 > 0 and lately * 100 >= bought.spend_before_90 * rule.growing_percent:
        return Stage.GROWING
    return Stage.ACTIVE


def _due(bought: Bought, gap: int | None, now: datetime.datetime) -> str | None:
    """Whether the next purchase is not yet due, due, or late by the usual gap: late when one and a half of it have passed."""
    if gap is None or bought.last_at is None:
        return None
    passed = (now - bought.last_at) / DAY
    return "late" if passed > 1.5 * gap else "due" if passed >= gap else "not_yet"


def _score(cuts: Sequence[float], value: float | None) -> int | None:
    """From 1 to 5: in which fifth of all customers the value lies."""
    return None if value is None or len(cuts) != 4 else 1 + bisect.bisect_left(cuts, value)


def _day(at: datetime.datetime | None) -> str | None:
    return at.astimezone(datetime.UTC).date().isoformat() if at else None


def _percent(part: int, whole: int) -> int | None:
    return _half_up(100 * part, whole)


def _half_up(amount: int, count: int) -> int | None:
    return (2 * amount + count) // (2 * count) if count else None
