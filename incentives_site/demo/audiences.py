"""Segments over the customers of the demonstration: by what they did, by another segment, by chance, and a list of names."""

import datetime as dt
from typing import Any

from customers import operations
from customers.models import Customer, Segment, SegmentKind

BY = "demo"
PANEL = "taste-panel"
PANELISTS = 40
# In the order in which they refer to one another: key, name, what it is for, rule.
RULES: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    (
        "regulars",
        "Regulars",
        "A hundred purchases or more.",
        {"purchases": {"measure": "count"}, "op": ">=", "value": 100},
    ),
    (
        "coupon-users",
        "Use coupons",
        "Redeemed three times or more.",
        {"event": {"type": "redeemed"}, "op": ">=", "value": 3},
    ),
    (
        "regulars-without-coupons",
        "Regulars who use no coupons",
        "Whom a first coupon might surprise.",
        {
            "all": [
                {"fact": "segment.regulars", "op": "==", "value": True},
                {"none": [{"fact": "segment.coupon-users", "op": "==", "value": True}]},
            ]
        },
    ),
    (
        "seen-lately",
        "Seen online in the last week",
        "Visited the shop or opened the app.",
        {
            "any": [
                {"event": {"type": "page", "within_days": 7}, "op": ">=", "value": 1},
                {"event": {"type": "screen", "within_days": 7}, "op": ">=", "value": 1},
            ]
        },
    ),
    (
        "a-tenth",
        "A tenth by chance",
        "The same people for ever: for comparing those who get something with those who do not.",
        {"fact": "bucket.demo", "op": "<", "value": 10},
    ),
)


def load(now: dt.datetime) -> int:
    """Makes and counts those that are missing; how many. Facts of everybody are counted first: rules ask for them."""
    made = 0
    if not Segment.objects.exists():
        operations.refresh_all(now=now)
    for key, name, description, rule in RULES:
        if not Segment.objects.filter(key=key).exists():
            row = operations.define_segment(key=key, name=name, description=description, rule=rule, by=BY, now=now)
            operations.count_segment(segment=row.pk, now=lambda: now)
            made += 1
    if not Segment.objects.filter(key=PANEL).exists():
        panel = operations.define_segment(
            key=PANEL,
            name="Taste panel",
            description="People who said they would try new things.",
            kind=SegmentKind.LIST,
            by=BY,
            now=now,
        )
        chosen = Customer.objects.filter(display_name__startswith="Household", forwarded_to=None).order_by("public_id")[
            :PANELISTS
        ]
        operations.change_list(segment=panel, add=list(chosen.values_list("pk", flat=True)), by=BY, now=now)
        made += 1
    return made
