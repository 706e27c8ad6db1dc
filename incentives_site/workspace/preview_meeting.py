"""Which running incentives an incentive would meet: combine with, win against, lose to, or never see."""

import datetime
import enum
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext as _

from campaigns import operations
from campaigns import queries as campaign_queries
from campaigns.models import Campaign, Claim, Grant, GrantState, Incentive, StackGroup, Status
from campaigns.rules.awards import open_to
from campaigns.rules.candidates import Reason, Standing
from campaigns.rules.groups import Group
from campaigns.rules.language import promise_of, read_simulation
from customers import queries as customer_queries
from customers.models import Customer
from customers.rules.conditions import Branch, Quantifier
from customers.rules.faults import Misunderstood

MOST_LOOKED_AT = 500
MOST_SHOWN = 50
# Counting who could hold both is done for so many different audiences, and not at all in a large customer base.
MOST_COUNTED = 20
MOST_CUSTOMERS = 100_000


class Verdict(enum.StrEnum):
    """How it ends when two incentives meet; the ones to think about first."""

    LOSES = "loses"
    WINS = "wins"
    COMBINES = "combines"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Meeting:
    """``holders`` is how many customers could hold both, ``None`` when that was not counted."""

    other: Incentive
    verdict: Verdict
    reason: str
    holders: int | None = None
    everybody: bool = False


@dataclass(frozen=True, slots=True)
class Meetings:
    """What one incentive meets. ``unseen`` running incentives were not looked at, ``more`` are not shown."""

    own: Incentive
    shown: tuple[Meeting, ...]
    counts: Mapping[Verdict, int]
    more: int
    unseen: int


def meetings(campaign: Campaign, own: Sequence[Incentive], *, now: datetime.datetime) -> list[Meetings]:
    """For each of ``own``, what it would meet among everybody else's running and scheduled incentives."""
    running = (
        Incentive.objects.filter(campaign__status__in=[Status.LIVE, Status.SCHEDULED])
        .exclude(campaign=campaign)
        .exclude(effect__contains={"type": "recorded"})
        .exclude(campaign__ends_at__lte=now)
    )
    others = list(running.select_related("campaign", "stack_group").order_by("campaign__name", "pk")[:MOST_LOOKED_AT])
    unseen = running.count() - len(others) if len(others) == MOST_LOOKED_AT else 0
    channels = _channels([campaign, *(other.campaign for other in others)])
    groups = {row.key: campaign_queries.group_of(row) for row in StackGroup.objects.all()}
    count = _Holders(campaign)
    order = list(Verdict)
    found = []
    for incentive in own:
        met = [_meet(campaign, incentive, other, channels, groups) for other in others]
        met.sort(key=lambda meeting: order.index(meeting.verdict))
        met = [
            count.added_to(meeting, incentive) if n < MOST_SHOWN and meeting.verdict is not Verdict.NEVER else meeting
            for n, meeting in enumerate(met)
        ]
        met.sort(key=lambda meeting: order.index(meeting.verdict))
        counts = {verdict: sum(meeting.verdict is verdict for meeting in met) for verdict in Verdict}
        found.append(Meetings(incentive, tuple(met[:MOST_SHOWN]), counts, max(0, len(met) - MOST_SHOWN), unseen))
    return found


def _channels(campaigns: Sequence[Campaign]) -> dict[int, frozenset[int]]:
    """The channels in which each campaign's incentives can be redeemed."""
    through = Campaign.channels.through.objects.filter(campaign__in=campaigns, channel__can_redeem=True, channel__is_active=True)
    found: dict[int, set[int]] = {}
    for campaign_id, channel_id in through.values_list("campaign_id", "channel_id"):
        found.setdefault(campaign_id, set()).add(channel_id)
    return {campaign_id: frozenset(ids) for campaign_id, ids in found.items()}


def _meet(
    campaign: Campaign,
    own: Incentive,
    other: Incentive,
    channels: Mapping[int, frozenset[int]],
    groups: Mapping[str, Group],
) -> Meeting:
    if _currencies(own).isdisjoint(_currencies(other)):
        return Meeting(other, Verdict.NEVER, _("They are in different currencies."))
    here = channels.get(campaign.pk)
    # A draft without channels yet is taken as one that may be used in all of them.
    if here is not None and here.isdisjoint(channels.get(other.campaign_id, frozenset())):
        return Meeting(other, Verdict.NEVER, _("They are redeemed in different channels."))
    if _over_before(campaign, other.campaign) or _over_before(other.campaign, campaign):
        return Meeting(other, Verdict.NEVER, _("One ends before the other begins."))
    verdict, reason = _stacked(own, other, groups)
    if verdict is Verdict.COMBINES and (apart := _apart(own.effect, other.effect)):
        return Meeting(other, Verdict.NEVER, apart)
    return Meeting(other, verdict, reason)


def _currencies(incentive: Incentive) -> frozenset[str]:
    """Where amounts are given by currency, these; otherwise the campaign's."""
    try:
        found = open_to(*promise_of(incentive.effect, incentive.awards))
    except Misunderstood:
        found = None
    return found if found is not None else frozenset({incentive.campaign.currency})


def _over_before(one: Campaign, other: Campaign) -> bool:
    return one.ends_at is not None and other.starts_at is not None and one.ends_at <= other.starts_at


def _apart(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """Why the two can never lower the same thing; empty when they could."""
    first, second = one.get("target") or {}, other.get("target") or {}
    scopes = {first.get("scope", "order"), second.get("scope", "order")}
    # One that only gives awards lowers nothing, so it is never in the way.
    if not one or not other or one.get("type") in COMPOSED or other.get("type") in COMPOSED:
        return ""
    if "shipping" in scopes and len(scopes) == 2:
        return _("One is about the shipping costs, the other about the goods.")
    for name, sentence in (
        ("skus", _("They are about different articles.")),
        ("categories", _("They are about different categories.")),
        ("brands", _("They are about different brands.")),
    ):
        mine, theirs = ((target.get("include") or {}).get(name) for target in (first, second))
        if mine and theirs and set(mine).isdisjoint(theirs):
            return sentence
    return ""


# Effects whose goods are not said by one target.
COMPOSED = frozenset({"buy_get", "upgrade", "tiers", "compound", "free_item", "stored_value"})
PROBE = 10_000


def _stacked(own: Incentive, other: Incentive, groups: Mapping[str, Group]) -> tuple[Verdict, str]:
    """What the stacking rule itself says of the two: both are given the same discount on the same goods."""
    if own.stack_group.key == other.stack_group.key and own.stack_group.pick in {"best_for_customer", "least_cost"}:
        better = own.stack_group.pick == "best_for_customer"
        words = _("Only one of “%(group)s” applies: the larger discount on the basket.")
        return Verdict.COMBINES, (
            words if better else _("Only one of “%(group)s” applies: the smaller discount on the basket.")
        ) % {"group": own.stack_group.name}
    asked = read_simulation(
        {
            "currency": own.campaign.currency,
            "basket": {"lines": [{"id": "1", "sku": "1", "quantity": 1, "unit_price": PROBE}]},
            "incentives": [
                {
                    "key": str(row.public_id),
                    "name": row.name,
                    "group": row.stack_group.key,
                    "priority": row.priority,
                    "effect": {"type": "percent_off", "percent": "10"},
                }
                for row in (own, other)
            ],
        },
        now=datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC),
    )
    starts = {str(row.public_id): row.campaign.starts_at for row in (own, other)}
    decision = operations.decide(
        basket=asked.basket,
        # When they begin decides between equals; that they have begun is taken for granted.
        candidates=[
            replace(candidate, standing=Standing(starts_at=starts[candidate.key], ends_at=None)) for candidate in asked.candidates
        ],
        groups=groups,
        policy=asked.policy,
        surroundings=replace(
            asked.surroundings, now=max([asked.surroundings.now, *(start for start in starts.values() if start is not None)])
        ),
    )
    applied = [item.incentive for item in decision.applied]
    if len(applied) == 2:
        first = own if applied[0] == str(own.public_id) else other
        return Verdict.COMBINES, _("Both apply; “%(name)s” comes first.") % {"name": first.name}
    lost = next(iter([*decision.skipped, *decision.inapplicable]), None)
    wins = applied == [str(own.public_id)]
    winner, loser = (own, other) if wins else (other, own)
    words = {
        Reason.LOST_TO_EXCLUSIVE: _("“%(winner)s” applies alone, so “%(loser)s” is left out."),
        Reason.NOT_FIRST: _("Only the first of “%(group)s” applies, and “%(winner)s” comes first."),
        Reason.GROUP_LIMIT: _("“%(group)s” has room for no more once “%(winner)s” applies."),
    }.get(lost.reason if lost else Reason.NOT_FIRST, _("“%(winner)s” applies and “%(loser)s” does not."))
    sentence = words % {"winner": winner.name, "loser": loser.name, "group": loser.stack_group.name}
    return (Verdict.WINS if wins else Verdict.LOSES), sentence


class _Holders:
    """Counts who could hold two incentives, each pair of audiences once and only as long as it stays cheap."""

    def __init__(self, campaign: Campaign) -> None:
        self.campaign = campaign
        self.audience = campaign_queries.audience_condition(campaign)
        self.known: dict[str, int] = {}
        self.is_cheap = Customer.objects.order_by("pk")[: MOST_CUSTOMERS + 1].count() <= MOST_CUSTOMERS

    def added_to(self, meeting: Meeting, own: Incentive) -> Meeting:
        other = meeting.other
        held = [row for row in (own, other) if row.claim == Claim.GRANT and row.campaign.status != Status.DRAFT]
        if not held and self.campaign.audience is None and other.campaign.audience is None:
            return replace(meeting, everybody=True)
        if not self.is_cheap:
            return meeting
        key = json.dumps([other.campaign.audience, [row.pk for row in held]], sort_keys=True)
        if key not in self.known and len(self.known) < MOST_COUNTED:
            self.known[key] = self._count(other, held)
        if key not in self.known:
            return meeting
        holders = self.known[key]
        if holders == 0:
            return replace(meeting, holders=0, verdict=Verdict.NEVER, reason=_("No customer of today could hold both."))
        return replace(meeting, holders=holders)

    def _count(self, other: Incentive, held: Sequence[Incentive]) -> int:
        # Who was given a grant may use it, whatever the audience says today.
        conditions = [
            condition
            for condition, is_granted in (
                (self.audience, any(row.campaign_id == self.campaign.pk for row in held)),
                (campaign_queries.audience_condition(other.campaign), other in held),
            )
            if not is_granted
        ]
        found = customer_queries.matching(Branch(Quantifier.ALL, tuple(conditions)))
        for row in held:
            found = found.filter(pk__in=Grant.objects.filter(incentive=row, state=GrantState.HELD).values("customer"))
        return found.count()
