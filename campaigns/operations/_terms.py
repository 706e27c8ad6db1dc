"""The terms of an incentive: everything it promises, by the names that every door uses."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from ..models import Claim, Incentive, Limit, Measure, Per, StackGroup
from ..rules.candidates import OnShort
from ..rules.limits import slots_for


class Terms(TypedDict, total=False):
    """What is said of an incentive. ``effect``, ``awards`` and ``conditions`` are in the language of ``rules.language``.

    ``effect`` may be ``{}`` when there are awards. ``total_uses`` and ``uses_per_…`` count redemptions (days, weeks and months on
    the customer's calendar), ``total_units`` and ``units_per_customer`` the units that are lowered, ``…discount…`` and
    ``…order_value…`` minor units of the campaign's currency, ``…points…`` the points it awards; ``when_short`` (``refuse`` or
    ``clip``) says what happens when fewer units or points, or less discount, are left than wanted.

    ``sentences`` are the operator's own, by refusal reason or
    ``any``, then by language. ``stack_group`` is the default one when ``None``.
    """

    name: str
    effect: Mapping[str, Any]
    awards: Sequence[Mapping[str, Any]]
    conditions: Mapping[str, Any] | None
    sentences: Mapping[str, Mapping[str, str]]
    claim: str
    code: str
    stack_group: StackGroup | None
    priority: int
    valid_days: int | None
    total_uses: int | None
    uses_per_customer: int | None
    uses_per_customer_day: int | None
    uses_per_customer_week: int | None
    uses_per_customer_month: int | None
    uses_per_store: int | None
    total_units: int | None
    units_per_customer: int | None
    total_discount: int | None
    discount_per_customer: int | None
    total_order_value: int | None
    order_value_per_customer: int | None
    total_points: int | None
    points_per_customer: int | None
    when_short: str


# Each: its name in the terms, what is counted, and for whom.
LIMITS: tuple[tuple[str, str, str], ...] = (
    ("total_uses", Measure.USES, Per.TOTAL),
    ("uses_per_customer", Measure.USES, Per.CUSTOMER),
    ("uses_per_customer_day", Measure.USES, Per.CUSTOMER_DAY),
    ("uses_per_customer_week", Measure.USES, Per.CUSTOMER_WEEK),
    ("uses_per_customer_month", Measure.USES, Per.CUSTOMER_MONTH),
    ("uses_per_store", Measure.USES, Per.STORE),
    ("total_units", Measure.UNITS, Per.TOTAL),
    ("units_per_customer", Measure.UNITS, Per.CUSTOMER),
    ("total_discount", Measure.DISCOUNT, Per.TOTAL),
    ("discount_per_customer", Measure.DISCOUNT, Per.CUSTOMER),
    ("total_order_value", Measure.ORDER_VALUE, Per.TOTAL),
    ("order_value_per_customer", Measure.ORDER_VALUE, Per.CUSTOMER),
    ("total_points", Measure.POINTS, Per.TOTAL),
    ("points_per_customer", Measure.POINTS, Per.CUSTOMER),
)
# What an incentive can give less of. An order cannot be made smaller.
CLIPPED = frozenset({Measure.UNITS, Measure.DISCOUNT, Measure.POINTS})


def fresh_terms() -> Terms:
    """What an incentive begins with."""
    return {
        "name": "",
        "effect": {},
        "awards": [],
        "conditions": None,
        "sentences": {},
        "claim": Claim.AUTOMATIC.value,
        "code": "",
        "stack_group": None,
        "priority": 0,
        "valid_days": None,
        "total_uses": None,
        "uses_per_customer": None,
        "uses_per_customer_day": None,
        "uses_per_customer_week": None,
        "uses_per_customer_month": None,
        "uses_per_store": None,
        "total_units": None,
        "units_per_customer": None,
        "total_discount": None,
        "discount_per_customer": None,
        "total_order_value": None,
        "order_value_per_customer": None,
        "total_points": None,
        "points_per_customer": None,
        "when_short": OnShort.REFUSE.value,
    }


def terms_of(incentive: Incentive) -> Terms:
    """The terms as they are saved, but for the code. Reads ``limits`` and ``stack_group``: prefetch them for a list."""
    return {
        "name": incentive.name,
        "effect": incentive.effect,
        "awards": incentive.awards,
        "conditions": incentive.conditions,
        "sentences": incentive.sentences,
        "claim": incentive.claim,
        "stack_group": incentive.stack_group,
        "priority": incentive.priority,
        "valid_days": incentive.valid_days,
        **_limit_terms(incentive.limits.all()),  # type: ignore[typeddict-item]
    }


def _limit_terms(limits: Sequence[Limit] | Any) -> dict[str, Any]:
    known = {(limit.measure, limit.per): limit for limit in limits}
    found: dict[str, Any] = {
        name: known[measure, per].maximum if (measure, per) in known else None for name, measure, per in LIMITS
    }
    clips = any(limit.measure in CLIPPED and limit.on_short == OnShort.CLIP for limit in known.values())
    return {**found, "when_short": (OnShort.CLIP if clips else OnShort.REFUSE).value}


def set_limits(incentive: Incentive, terms: Terms) -> None:
    """Write the limits of the terms; what is used of them stays counted."""
    for name, measure, per in LIMITS:
        maximum = terms[name]  # type: ignore[literal-required]
        limits = Limit.objects.filter(incentive=incentive, measure=measure, per=per)
        values = {"maximum": maximum, "on_short": terms["when_short"] if measure in CLIPPED else OnShort.REFUSE.value}
        if maximum is None:
            limits.delete()
        elif limits.update(**values):
            # Until something is counted, it may still be counted in other slots.
            limits.filter(counters__isnull=True).update(slots=slots_for(per, maximum, measure))
        else:
            Limit.objects.create(incentive=incentive, measure=measure, per=per, slots=slots_for(per, maximum, measure), **values)
