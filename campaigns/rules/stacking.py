"""Which incentives a basket gets, in which order, and why the others are refused (``docs/stacking.md``).

A pure function: no clock, no database, no randomness. The same function serves quotes, redemptions, the editor's preview and
simulations.
"""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from customers.rules.conditions import ALWAYS, Branch, Condition, Leaf, Op, Quantifier, first_failure, holds
from incentives_site.shared.money import share_of

from .basket import Basket
from .candidates import Candidate, Reason, UnknownCode
from .decision import Applied, Decision, LineResult, Refused, Share, Totals
from .effects import Cell, Effect, Scope, Target, discounts
from .facts import BasketFacts, Surroundings, is_after
from .groups import DEFAULT_GROUP, Eligibility, Group, Pick
from .screening import screen


class Order(enum.StrEnum):
    RANKED = "ranked"
    LISTED = "listed"


class Base(enum.StrEnum):
    RUNNING = "running"
    ORIGINAL = "original"


class Failure(enum.StrEnum):
    PARTIAL = "partial"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Policy:
    order: Order = Order.RANKED
    base: Base = Base.RUNNING
    failure: Failure = Failure.PARTIAL
    max_total_percent: Decimal | None = None
    max_total_amount: int | None = None
    max_incentives: int = 30
    max_exclusive: int = 5


def decide(
    *,
    basket: Basket,
    candidates: Sequence[Candidate],
    surroundings: Surroundings,
    groups: Mapping[str, Group] | None = None,
    policy: Policy | None = None,
    unknown_codes: Sequence[UnknownCode] = (),
) -> Decision:
    """Screen, order, choose and apply ``candidates`` to ``basket``.

    Amounts are minor units of the basket's currency. The same arguments in any order of ``candidates`` give the same decision
    (unless ``policy.order`` is ``listed``).
    """
    groups, policy = groups or {}, policy or Policy()
    ordered = sorted(candidates, key=lambda c: _sort_key(c, groups, policy))
    refused = [Refused(incentive="", name="", reason=sent.reason, code=sent.code) for sent in unknown_codes]
    eligible: list[Candidate] = []
    for candidate in ordered:
        refusal = screen(candidate, basket, surroundings)
        if refusal:
            refused.append(refusal)
        else:
            eligible.append(candidate)

    walk = _walk_exclusive_first(eligible, basket, surroundings, groups, policy)
    if policy.failure is Failure.ALL and any(item.code for item in [*refused, *walk.inapplicable, *walk.skipped]):
        walk = _refuse_all(eligible, walk, basket, surroundings, groups, policy)
    return Decision(
        currency=basket.currency,
        applied=tuple(walk.applied),
        inapplicable=(*refused, *walk.inapplicable),
        skipped=tuple(walk.skipped),
        totals=Totals(basket.items_total, basket.shipping_total, sum(applied.amount for applied in walk.applied)),
        lines=tuple(LineResult(line.id, line.amount, line.amount - walk.items[i]) for i, line in enumerate(basket.lines)),
        shipping=tuple(LineResult(s.method, s.amount, s.amount - walk.shipping[i]) for i, s in enumerate(basket.shipping)),
        order=tuple(candidate.key for candidate in ordered),
    )


def _sort_key(candidate: Candidate, groups: Mapping[str, Group], policy: Policy) -> tuple[object, ...]:
    """(group rank ascending, priority descending, start ascending, key): a total order."""
    if policy.order is Order.LISTED:
        return (candidate.position, candidate.key, candidate.code, candidate.grant)
    starts_at = candidate.standing.starts_at
    rank = groups.get(candidate.group, DEFAULT_GROUP).rank
    start = starts_at.timestamp() if starts_at else float("-inf")
    return (rank, -candidate.priority, start, candidate.key, candidate.code, candidate.grant)


@dataclass(slots=True)
class _Walk:
    """The state of one walk through the ordered candidates."""

    basket: Basket
    surroundings: Surroundings
    groups: Mapping[str, Group]
    policy: Policy
    items: list[int] = field(default_factory=list)
    shipping: list[int] = field(default_factory=list)
    applied: list[Applied] = field(default_factory=list)
    inapplicable: list[Refused] = field(default_factory=list)
    skipped: list[Refused] = field(default_factory=list)
    in_group: dict[str, list[str]] = field(default_factory=dict)
    facts: BasketFacts = field(init=False)

    def __post_init__(self) -> None:
        self.items = [line.amount for line in self.basket.lines]
        self.shipping = [method.amount for method in self.basket.shipping]
        self.facts = BasketFacts(self.basket, self.surroundings, sum(self.items), sum(self.shipping))

    def group_of(self, candidate: Candidate) -> Group:
        return self.groups.get(candidate.group, DEFAULT_GROUP)

    @property
    def exclusive_applied(self) -> list[str]:
        return [
            key
            for group, keys in self.in_group.items()
            if self.groups.get(group, DEFAULT_GROUP).eligibility is Eligibility.EXCLUSIVE
            for key in keys
        ]


def _walk_exclusive_first(
    eligible: Sequence[Candidate], basket: Basket, surroundings: Surroundings, groups: Mapping[str, Group], policy: Policy
) -> _Walk:
    """An exclusive incentive wins whatever the order, but only if it really applies: so walk with them first, else without."""

    def eligibility(candidate: Candidate) -> Eligibility:
        return groups.get(candidate.group, DEFAULT_GROUP).eligibility

    exclusive = [c for c in eligible if eligibility(c) is Eligibility.EXCLUSIVE]
    common = [c for c in eligible if eligibility(c) is Eligibility.COMMON]
    if exclusive:
        walk = _walk([c for c in eligible if eligibility(c) is not Eligibility.COMMON], basket, surroundings, groups, policy)
        if winners := walk.exclusive_applied:
            walk.skipped += [_refused(c, Reason.LOST_TO_EXCLUSIVE, winner=winners[0]) for c in common]
            return walk
        failed = walk
        walk = _walk([c for c in eligible if eligibility(c) is not Eligibility.EXCLUSIVE], basket, surroundings, groups, policy)
        keys = {_identity(c) for c in exclusive}
        walk.inapplicable += [r for r in failed.inapplicable if (r.incentive, r.code) in keys]
        walk.skipped += [r for r in failed.skipped if (r.incentive, r.code) in keys]
        return walk
    return _walk(eligible, basket, surroundings, groups, policy)


def _identity(candidate: Candidate) -> tuple[str, str]:
    return (candidate.key, candidate.code)


def _walk(
    candidates: Sequence[Candidate], basket: Basket, surroundings: Surroundings, groups: Mapping[str, Group], policy: Policy
) -> _Walk:
    walk = _Walk(basket, surroundings, groups, policy)
    for candidate in candidates:
        _take(walk, candidate)
    return walk


def _take(walk: _Walk, candidate: Candidate) -> None:
    """Apply one candidate at its turn, or say why not."""
    group = walk.group_of(candidate)
    if reason := _no_place(walk, group):
        winner = next(iter(walk.in_group.get(group.key, [])), "")
        walk.skipped.append(_refused(candidate, reason, winner=winner))
        return
    walk.facts.time_zone = candidate.standing.time_zone
    before, after = _split(candidate.conditions)
    if not holds(before, walk.facts):
        walk.inapplicable.append(_near_miss(candidate, before, walk.facts))
        return
    lines, shipping = _matching(candidate.effect.target, walk.basket)
    if not lines and not shipping:
        walk.inapplicable.append(_refused(candidate, Reason.NO_MATCHING_LINES))
        return
    wanted = _discounts(walk, candidate.effect, lines, shipping, most=None)
    most = _most(walk, candidate)
    given = wanted if most is None or sum(wanted) <= most else _discounts(walk, candidate.effect, lines, shipping, most=most)
    if after is not ALWAYS and (miss := _judge_after(walk, candidate, after, given, len(lines))):
        walk.inapplicable.append(miss)
        return
    if sum(given) == 0:
        reason = Reason.CAP_REACHED if sum(wanted) else Reason.NO_EFFECT
        walk.skipped.append(_refused(candidate, reason))
        return
    if any(limit.measure == "discount" and limit.left < sum(given) for limit in candidate.standing.limits):
        walk.skipped.append(_refused(candidate, Reason.BUDGET_EXHAUSTED))
        return
    _apply(walk, candidate, group, lines, shipping, given, wanted)


def _no_place(walk: _Walk, group: Group) -> Reason | None:
    """Whether the stack or the group is full."""
    taken = len(walk.in_group.get(group.key, []))
    if len(walk.applied) >= walk.policy.max_incentives:
        return Reason.STACK_LIMIT
    if group.eligibility is Eligibility.EXCLUSIVE and len(walk.exclusive_applied) >= walk.policy.max_exclusive:
        return Reason.STACK_LIMIT
    if group.pick is Pick.FIRST and taken:
        return Reason.NOT_FIRST
    if group.limit is not None and taken >= group.limit:
        return Reason.GROUP_LIMIT
    return None


def _split(condition: Condition) -> tuple[Condition, Condition]:
    """The part judged before the incentive, and the part that looks at the basket after it."""
    if not _looks_after(condition):
        return condition, ALWAYS
    if isinstance(condition, Branch) and condition.quantifier is Quantifier.ALL:
        before = tuple(item for item in condition.items if not _looks_after(item))
        after = tuple(item for item in condition.items if _looks_after(item))
        return Branch(Quantifier.ALL, before), Branch(Quantifier.ALL, after)
    return ALWAYS, condition


def _looks_after(condition: Condition) -> bool:
    return is_after(condition.fact) if isinstance(condition, Leaf) else any(_looks_after(item) for item in condition.items)


def _judge_after(walk: _Walk, candidate: Candidate, condition: Condition, given: Sequence[int], lines: int) -> Refused | None:
    """Judge a condition on the basket as it would be with ``given`` taken off."""
    walk.facts.own_items, walk.facts.own_shipping = sum(given[:lines]), sum(given[lines:])
    try:
        return None if holds(condition, walk.facts) else _near_miss(candidate, condition, walk.facts)
    finally:
        walk.facts.own_items = walk.facts.own_shipping = 0


def _matching(target: Target, basket: Basket) -> tuple[list[int], list[int]]:
    """Indexes of the lines and of the shipping methods that the target means."""
    if target.scope is Scope.SHIPPING:
        methods = [
            i
            for i, method in enumerate(basket.shipping)
            if target.include.matches_shipping(method) and not (target.exclude and target.exclude.matches_shipping(method))
        ]
        return [], methods
    lines = [
        i
        for i, line in enumerate(basket.lines)
        if line.discountable and target.include.matches_line(line) and not (target.exclude and target.exclude.matches_line(line))
    ]
    return lines, []


def _discounts(walk: _Walk, effect: Effect, lines: list[int], shipping: list[int], *, most: int | None) -> list[int]:
    """The discount of each matching line, then of each matching shipping method, as things stand."""
    original = walk.policy.base is Base.ORIGINAL
    basket = walk.basket
    cells = [
        Cell(
            base=basket.lines[i].amount if original else walk.items[i],
            room=max(0, walk.items[i] - basket.lines[i].floor),
            quantity=basket.lines[i].quantity,
        )
        for i in lines
    ]
    cells += [
        Cell(base=basket.shipping[i].amount if original else walk.shipping[i], room=walk.shipping[i], quantity=1)
        for i in shipping
    ]
    return discounts(effect, cells, most=most)


def _most(walk: _Walk, candidate: Candidate) -> int | None:
    """What the policy's caps over everything leave for this incentive; ``None`` without caps."""
    spent = sum(applied.amount for applied in walk.applied)
    caps = []
    if walk.policy.max_total_percent is not None:
        caps.append(share_of(walk.basket.total, walk.policy.max_total_percent))
    if walk.policy.max_total_amount is not None:
        caps.append(walk.policy.max_total_amount)
    return max(0, min(caps) - spent) if caps else None


def _apply(
    walk: _Walk, candidate: Candidate, group: Group, lines: list[int], shipping: list[int], given: list[int], wanted: list[int]
) -> None:
    before = sum(walk.items) + sum(walk.shipping)
    for index, amount in zip(lines, given[: len(lines)], strict=True):
        walk.items[index] -= amount
    for index, amount in zip(shipping, given[len(lines) :], strict=True):
        walk.shipping[index] -= amount
    walk.facts.running_items, walk.facts.running_shipping = sum(walk.items), sum(walk.shipping)
    walk.in_group.setdefault(group.key, []).append(candidate.key)
    walk.applied.append(
        Applied(
            incentive=candidate.key,
            name=candidate.name,
            group=group.key,
            amount=sum(given),
            wanted=sum(wanted),
            lines=tuple(Share(walk.basket.lines[i].id, amount) for i, amount in zip(lines, given, strict=False) if amount),
            shipping=tuple(
                Share(walk.basket.shipping[i].method, amount)
                for i, amount in zip(shipping, given[len(lines) :], strict=True)
                if amount
            ),
            base=walk.policy.base.value,
            running_before=before,
            running_after=before - sum(given),
            code=candidate.code,
            grant=candidate.grant,
        )
    )


def _refused(candidate: Candidate, reason: Reason, *, winner: str = "") -> Refused:
    return Refused(incentive=candidate.key, name=candidate.name, reason=reason, code=candidate.code, winner=winner)


def _near_miss(candidate: Candidate, condition: Condition, facts: BasketFacts) -> Refused:
    """The refusal of a condition that does not hold, with how much is missing where one number is to blame."""
    leaf = first_failure(condition, facts)
    if leaf is None:
        return _refused(candidate, Reason.CONDITION_NOT_MET)
    actual = facts(leaf.fact)
    missing = None
    if leaf.op in {Op.GE, Op.GT} and isinstance(actual, int) and isinstance(leaf.value, int):
        missing = leaf.value - actual + (1 if leaf.op is Op.GT else 0)
    return Refused(
        incentive=candidate.key,
        name=candidate.name,
        reason=Reason.CONDITION_NOT_MET,
        code=candidate.code,
        fact=leaf.fact,
        needed=leaf.value,
        actual=sorted(actual) if isinstance(actual, frozenset) else actual,
        missing=missing,
    )


def _refuse_all(
    eligible: Sequence[Candidate],
    walk: _Walk,
    basket: Basket,
    surroundings: Surroundings,
    groups: Mapping[str, Group],
    policy: Policy,
) -> _Walk:
    """``failure: all``: a code that was sent has failed, so nothing is applied."""
    empty = _Walk(basket, surroundings, groups, policy)
    empty.inapplicable = walk.inapplicable
    applied = {(item.incentive, item.code) for item in walk.applied}
    empty.skipped = walk.skipped + [_refused(c, Reason.REQUEST_FAILED) for c in eligible if _identity(c) in applied]
    return empty
