"""Which incentives a basket gets, in which order, and why the others are refused (``docs/stacking.md``).

A pure function: no clock, no database, no randomness. The same function serves quotes, redemptions, the editor's preview and
simulations.
"""

import operator
from collections.abc import Mapping, Sequence

from .basket import Basket
from .candidates import OPEN, Candidate, Reason, UnknownCode
from .choosing import search
from .decision import Decision, LineResult, Refused, Totals, refused, short_of
from .facts import Surroundings
from .groups import Base, Eligibility, Group
from .matching import Matcher
from .policy import Choose, Failure, Order, Policy
from .screening import screen
from .walking import Question, Walk
from .work import MOST_STEPS, TooComplex, Work

__all__ = ["MOST_STEPS", "Base", "Choose", "Failure", "Order", "Policy", "TooComplex", "decide"]


def decide(
    *,
    basket: Basket,
    candidates: Sequence[Candidate],
    surroundings: Surroundings,
    groups: Mapping[str, Group] | None = None,
    policy: Policy | None = None,
    unknown_codes: Sequence[UnknownCode] = (),
    work: Work | None = None,
) -> Decision:
    """Screen, order, choose and apply ``candidates`` to ``basket``.

    Amounts are minor units of the basket's currency. The same arguments in any order of ``candidates`` give the same decision
    (unless ``policy.order`` is ``listed``). ``work`` is how much it may be; raises ``TooComplex`` when it would be more.
    """
    work = Work() if work is None else work
    work.spend(2 * len(basket.lines) + 3 * len(candidates))
    question = Question(basket, surroundings, groups or {}, policy or Policy(), Matcher(basket, work), work)
    ordered = _in_order(candidates, question)
    refusals = [Refused(incentive="", name="", reason=sent.reason, code=sent.code) for sent in unknown_codes]
    eligible: list[Candidate] = []
    for candidate in ordered:
        if candidate.standing is not OPEN:
            work.spend(2 + candidate.standing.audience.weight + len(candidate.standing.limits))
        refusal = screen(candidate, basket, surroundings)
        if refusal is None:
            eligible.append(candidate)
        else:
            refusals.append(refusal)

    walk, optimal = _choose(question, eligible)
    without_effect: list[Candidate] = []
    counts_points = any(limit.measure == "points" for candidate in eligible for limit in candidate.standing.limits)
    without_points: list[Refused] = []
    while True:  # as if they had not asked: they must not take a place from others
        nothing, short = walk.came_to_nothing(), walk.without_points() if counts_points else None
        if not nothing and short is None:
            break
        without_effect += nothing
        gone = {id(candidate) for candidate in nothing}
        if not nothing and short is not None:
            # One at a time: without it, there may be enough left for those after it.
            without_points.append(short_of(*short))
            gone.add(id(short[0]))
        eligible = [candidate for candidate in eligible if id(candidate) not in gone]
        walk, optimal = _choose(question, eligible)
    for candidate in without_effect:
        walk.refuse(refused(candidate, Reason.NO_EFFECT))
    for refusal in without_points:
        walk.refuse(refusal)
    if question.policy.failure is Failure.ALL and any(item.code for item in (*refusals, *walk.inapplicable, *walk.skipped)):
        walk = _nothing(question, walk)
    return _decision(question, walk, refusals, ordered, optimal)


def _in_order(candidates: Sequence[Candidate], question: Question) -> list[Candidate]:
    """By (group rank ascending, priority descending, start ascending, key), or as listed: a total order."""
    if question.policy.order is Order.LISTED:
        return sorted(candidates, key=_AS_LISTED)
    ordered = sorted(candidates, key=_BY_PLACE)
    ordered.sort(key=lambda candidate: question.group_of(candidate).rank)  # stable: within a rank the place decides
    return ordered


_AS_LISTED = operator.attrgetter("position", "key", "code", "grant")
_BY_PLACE = operator.attrgetter("place")


def _choose(question: Question, eligible: Sequence[Candidate]) -> tuple[Walk, bool | None]:
    """The walk that is taken, and whether it is proved to be the best of its policy (``None``: none was looked for)."""
    choose = question.policy.choose
    return (_exclusive_first(question, eligible), None) if choose is Choose.IN_ORDER else search(question, eligible, choose)


def _exclusive_first(question: Question, eligible: Sequence[Candidate]) -> Walk:
    """An exclusive incentive wins whatever the order, but only if it really applies: so walk with them first, else without."""
    if not any(group.eligibility is Eligibility.EXCLUSIVE for group in question.groups.values()):
        return Walk(question).go(eligible)
    kinds = {id(candidate): question.group_of(candidate).eligibility for candidate in eligible}
    exclusive = [c for c in eligible if kinds[id(c)] is Eligibility.EXCLUSIVE]
    if not exclusive:
        return Walk(question).go(eligible)
    walk = Walk(question).go([c for c in eligible if kinds[id(c)] is not Eligibility.COMMON])
    if walk.exclusive:
        for candidate in eligible:
            if kinds[id(candidate)] is Eligibility.COMMON:
                walk.refuse(refused(candidate, Reason.LOST_TO_EXCLUSIVE, winner=walk.exclusive[0]))
        return walk
    failed, keys = walk, {(c.key, c.code) for c in exclusive}
    walk = Walk(question).go([c for c in eligible if kinds[id(c)] is not Eligibility.EXCLUSIVE])
    for refusal in (*failed.inapplicable, *failed.skipped):
        if (refusal.incentive, refusal.code) in keys:
            walk.refuse(refusal)
    return walk


def _nothing(question: Question, walk: Walk) -> Walk:
    """``failure: all``: a code that was sent has failed, so nothing is applied."""
    empty = Walk(question)
    empty.inapplicable, empty.skipped = walk.inapplicable, walk.skipped
    for taken in walk.taken:
        empty.refuse(refused(taken.candidate, Reason.REQUEST_FAILED))
    return empty


def _decision(
    question: Question, walk: Walk, refusals: list[Refused], ordered: Sequence[Candidate], optimal: bool | None
) -> Decision:
    basket = question.basket
    applied = walk.applied()
    paid_lines: dict[int, int] = {}
    paid_shipping: dict[int, int] = {}
    for taken in walk.taken:
        if taken.outcome.stored_value:
            for line, amount in zip(taken.outcome.lines, taken.outcome.parts, strict=True):
                paid_lines[line] = paid_lines.get(line, 0) + amount
            for method, amount in taken.outcome.shipping:
                paid_shipping[method] = paid_shipping.get(method, 0) + amount
    return Decision(
        currency=basket.currency,
        applied=tuple(applied),
        inapplicable=(*refusals, *walk.inapplicable),
        skipped=tuple(walk.skipped),
        totals=Totals(
            basket.items_total,
            basket.shipping_total,
            sum(item.amount for item in applied),
            sum(item.stored_value for item in applied),
        ),
        lines=tuple(
            _line(line.id, line.amount, walk.running.items[i], paid_lines.get(i, 0)) for i, line in enumerate(basket.lines)
        ),
        shipping=tuple(
            _line(s.method, s.amount, walk.running.shipping[i], paid_shipping.get(i, 0)) for i, s in enumerate(basket.shipping)
        ),
        order=tuple(candidate.key for candidate in ordered),
        optimal=optimal,
    )


def _line(id_: str, initial: int, left: int, stored_value: int) -> LineResult:
    return LineResult(id_, initial, initial - left - stored_value, stored_value)
