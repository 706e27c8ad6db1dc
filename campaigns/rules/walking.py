"""One walk through the ordered incentives: each is judged at its turn, on what the earlier ones have left."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from customers.rules.conditions import ALWAYS, Condition, Leaf, Op, failure
from incentives_site.shared.money import share_of

from .applying import Outcome, Scene, commit, units_lowered, work_out
from .awards import Awarded, AwardType, awarded
from .basket import Basket, Line, Shipping
from .candidates import Candidate, LimitState, OnShort, Reason
from .decision import Applied, Refused, Share, refused, short_of
from .dividing import Division
from .effects import Effect, NoEffect, Target
from .facts import BasketFacts, Surroundings
from .groups import DEFAULT_GROUP, Base, Eligibility, Group, Pick, PickScope
from .matching import Matcher
from .policy import Order, Policy
from .running import Running
from .work import Work


@dataclass(frozen=True, slots=True)
class Question:
    """What stays the same during a whole decision."""

    basket: Basket
    surroundings: Surroundings
    groups: Mapping[str, Group]
    policy: Policy
    matcher: Matcher
    work: Work
    # Worked out once: what the caps over everything allow (None: no caps), and whether any group chooses among its own.
    cap: int | None = field(init=False, default=None)
    has_choosing_groups: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        policy = self.policy
        caps = [] if policy.max_total_amount is None else [policy.max_total_amount]
        if policy.max_total_percent is not None:
            caps.append(share_of(self.basket.total, policy.max_total_percent))
        object.__setattr__(self, "cap", min(caps, default=None))
        object.__setattr__(self, "has_choosing_groups", any(_chooses(group) for group in self.groups.values()))

    def group_of(self, candidate: Candidate) -> Group:
        return self.groups.get(candidate.group, DEFAULT_GROUP)


class Taken(NamedTuple):
    """One incentive that was applied, with what it did."""

    candidate: Candidate
    group: Group
    outcome: Outcome
    before: int
    after: int


class Walk:
    """The state of one walk; ``copy`` lets a search try both ways from here."""

    __slots__ = ("discount", "exclusive", "facts", "in_group", "inapplicable", "question", "running", "skipped", "spent", "taken")

    def __init__(self, question: Question) -> None:
        self.question = question
        self.running = Running(question.basket, question.work)
        question.work.spend(4 + len(self.running.items) // 2)
        self.facts = BasketFacts(question.basket, question.surroundings, self.running)
        self.taken: list[Taken] = []
        self.inapplicable: list[Refused] = []
        self.skipped: list[Refused] = []
        self.in_group: dict[str, list[str]] = {}
        self.discount = 0
        self.exclusive: list[str] = []
        # What the incentives taken so far use of each limit: several may share one (a campaign's budget).
        self.spent: dict[int, int] = {}

    def copy(self) -> "Walk":
        self.question.work.spend(16 + (len(self.taken) + len(self.inapplicable) + len(self.skipped)) // 8)
        other = object.__new__(Walk)
        other.question, other.running = self.question, self.running.copy()
        other.facts = BasketFacts(self.question.basket, self.question.surroundings, other.running, _fixed=self.facts._fixed)
        other.taken, other.inapplicable, other.skipped = self.taken[:], self.inapplicable[:], self.skipped[:]
        other.in_group = {key: keys[:] for key, keys in self.in_group.items()}
        other.discount, other.exclusive, other.spent = self.discount, self.exclusive[:], self.spent.copy()
        return other

    # --- Judging one --------------------------------------------------------------------------------------------------

    def attempt(self, candidate: Candidate, group: Group, *, is_capped: bool = True) -> Outcome | Refused:
        """What the candidate would do as things stand, or why it does nothing. Changes nothing."""
        question = self.question
        question.work.spend(candidate.weight)
        if reason := self._no_place(group):
            return refused(candidate, reason, winner=next(iter(self.in_group.get(group.key, [])), ""))
        if not candidate.serves_all and not candidate.serves(question.basket.currency):
            return refused(candidate, Reason.WRONG_CURRENCY)
        after = candidate.after
        if candidate.conditions is not ALWAYS:
            self.facts.time_zone = candidate.standing.time_zone
            failed = failure(candidate.before, self.facts)
            if failed is not None:
                return near_miss(candidate, failed, self.facts)
        original = (group.base or question.policy.base) is _ORIGINAL
        most = None if question.cap is None or not is_capped else max(0, question.cap - self.discount)
        scene = Scene(self.running, question.matcher, original, most)
        outcome = work_out(candidate.effect, scene)
        if not outcome.matched:
            return refused(candidate, Reason.NO_MATCHING_LINES)
        if candidate.standing.limits:
            outcome = self._clipped(candidate, outcome, scene)
        if after is not ALWAYS and (miss := self._judge_after(candidate, after, outcome)):
            return miss
        if not (outcome.amount or outcome.stored_value or outcome.added or candidate.awards or group.consume_without_effect):
            return refused(candidate, Reason.CAP_REACHED if outcome.wanted and most == 0 else Reason.NO_EFFECT)
        for limit in candidate.standing.limits:
            if self.left(limit) < self._used(limit, outcome):
                return short_of(candidate, limit)
        return outcome

    def _used(self, limit: LimitState, outcome: Outcome) -> int:
        """What the outcome uses of the limit. Points are known in the end only, and counted there (``ration``)."""
        order_value = self.question.basket.items_total if limit.measure == "order_value" else 0
        return limit.wanted(amount=outcome.amount, units=outcome.units, order_value=order_value)

    def left(self, limit: LimitState) -> int:
        """What is left of a limit after the incentives taken so far."""
        return max(0, limit.left - self.spent.get(limit.id, 0))

    def _clipped(self, candidate: Candidate, outcome: Outcome, scene: Scene) -> Outcome:
        """The outcome with its units counted, and made less where a limit says that what is left is given.

        What cannot be made so little that it fits (half a bundle) is left as it is, and the limit refuses it.
        """
        limits = candidate.standing.limits
        counts_units = any(limit.measure == "units" for limit in limits)
        units = units_lowered(outcome, scene.running) if counts_units else 0
        outcome.units = outcome.units_wanted = units
        for limit in limits:
            left = self.left(limit)
            if limit.on_short is OnShort.REFUSE or left >= self._used(limit, outcome):
                continue
            if limit.measure == "units":
                scene = scene._replace(most_units=left)
            else:
                scene = scene._replace(most=left)  # less than what the caps leave, or it would have fitted
            less = work_out(candidate.effect, scene)
            if not (less.amount or less.added):
                continue
            less.wanted, less.units_wanted = outcome.wanted, outcome.units_wanted
            less.units = units_lowered(less, scene.running) if counts_units else 0
            outcome = less
        return outcome

    def _no_place(self, group: Group) -> Reason | None:
        policy = self.question.policy
        if len(self.taken) >= policy.max_incentives:
            return Reason.STACK_LIMIT
        if not self.taken:
            return None
        if group.eligibility is _EXCLUSIVE and len(self.exclusive) >= policy.max_exclusive:
            return Reason.STACK_LIMIT
        if group.limit is None and group.pick is _ALL:
            return None
        taken = len(self.in_group.get(group.key, ()))
        if taken and group.pick is not _ALL and group.scope is PickScope.BASKET:
            return Reason.NOT_FIRST if group.pick is Pick.FIRST else Reason.LOST_TO_BETTER
        return Reason.GROUP_LIMIT if group.limit is not None and taken >= group.limit else None

    def _judge_after(self, candidate: Candidate, condition: Condition, outcome: Outcome) -> Refused | None:
        """Judge a condition on the basket as it would be afterwards."""
        self.facts.own_items = sum(outcome.parts)
        self.facts.own_shipping = sum(amount for _method, amount in outcome.shipping)
        try:
            failed = failure(condition, self.facts)
            return None if failed is None else near_miss(candidate, failed, self.facts)
        finally:
            self.facts.own_items = self.facts.own_shipping = 0

    # --- Taking it ------------------------------------------------------------------------------------------------------

    def take(self, candidate: Candidate, group: Group, outcome: Outcome) -> None:
        before = self.running.total
        self.running = self.facts.running = commit(outcome, self.running)
        self.taken.append(Taken(candidate, group, outcome, before, self.running.total))
        self.discount += outcome.amount
        for limit in candidate.standing.limits:
            self.spent[limit.id] = self.spent.get(limit.id, 0) + self._used(limit, outcome)
        self.in_group.setdefault(group.key, []).append(candidate.key)
        if group.eligibility is _EXCLUSIVE:
            self.exclusive.append(candidate.key)

    def refuse(self, refusal: Refused) -> None:
        # The commonest reason first: the set needs a hash, and hashing a word of an enumeration is slow.
        if refusal.reason is _CONDITION_NOT_MET or refusal.reason not in BESIDE_OTHERS:
            self.inapplicable.append(refusal)
        else:
            self.skipped.append(refusal)

    def offer(self, candidate: Candidate, group: Group) -> bool:
        """Take the candidate if it applies, else note why not."""
        outcome = self.attempt(candidate, group)
        if isinstance(outcome, Refused):
            self.refuse(outcome)
            return False
        self.take(candidate, group, outcome)
        return True

    # --- The whole way --------------------------------------------------------------------------------------------------

    def go(self, candidates: Sequence[Candidate]) -> "Walk":
        """Offer every candidate at its turn; a group that chooses among its own has one turn."""
        question = self.question
        if not question.has_choosing_groups:
            for candidate in candidates:
                self.offer(candidate, question.group_of(candidate))
            return self
        for group, members in turns(candidates, question):
            if not _chooses(group):
                self.offer(members[0], group)
            elif picks_per_line(group):
                self.pick_per_line(members, group)
            else:
                self._pick_one(members, group)
        return self

    def _pick_one(self, members: Sequence[Candidate], group: Group) -> None:
        """The best (or cheapest) of the group on its own; the others have lost to it."""
        able: list[tuple[Candidate, Outcome]] = []
        for candidate in members:
            outcome = self.attempt(candidate, group)
            if isinstance(outcome, Refused):
                self.refuse(outcome)
            else:
                able.append((candidate, outcome))
        if not able:
            return
        winner, outcome = by_pick(able, group)[0]
        self.take(winner, group, outcome)
        for candidate, _outcome in able:
            if candidate is not winner:
                self.refuse(refused(candidate, Reason.LOST_TO_BETTER, winner=winner.key))

    def pick_per_line(self, members: Sequence[Candidate], group: Group) -> None:
        """Each line goes to one of the group: the first, best or cheapest there."""
        able: list[tuple[Candidate, Outcome]] = []
        for candidate in members:
            outcome = self.attempt(candidate, group, is_capped=False)
            if isinstance(outcome, Refused):
                self.refuse(outcome)
            else:
                able.append((candidate, outcome))
        order_value = self.question.basket.items_total
        division = Division(group.pick, able, self._places(group), self.left, self.running, order_value)
        division.give_away(None if self.question.cap is None else self.question.cap - self.discount)
        for candidate, part in division.won():
            self.take(candidate, group, part)
        for refusal in division.lost():
            self.refuse(refusal)

    def _places(self, group: Group) -> dict[Reason, int]:
        """How many more of the group there is room for, by what an incentive is told when there is none."""
        policy = self.question.policy
        places = {Reason.STACK_LIMIT: policy.max_incentives - len(self.taken)}
        if group.eligibility is _EXCLUSIVE:
            places[Reason.STACK_LIMIT] = min(places[Reason.STACK_LIMIT], policy.max_exclusive - len(self.exclusive))
        if group.limit is not None:
            places[Reason.GROUP_LIMIT] = group.limit  # its only turn: none of it was taken before
        return places

    # --- What came of it ------------------------------------------------------------------------------------------------

    def applied(self) -> list[Applied]:
        """What was applied, with awards computed on what is payable in the end."""
        spent: dict[int, int] = {}
        return [self._describe(taken, spent) for taken in self.taken]

    def came_to_nothing(self) -> list[Candidate]:
        """Those taken for their awards alone that award nothing in the end."""
        return [
            taken.candidate
            for taken in self.taken
            if taken.candidate.awards
            and not (taken.outcome.amount or taken.outcome.stored_value or taken.outcome.added)
            and not taken.group.consume_without_effect
            and not list(self._awards(taken.candidate))
        ]

    def without_points(self) -> tuple[Candidate, LimitState] | None:
        """The first that awards more points than a limit has left for it, with that limit; ``None`` when all fit."""
        spent: dict[int, int] = {}
        for taken in self.taken:
            if taken.candidate.standing.limits:
                short = self.ration(taken.candidate, spent)
                if isinstance(short, LimitState):
                    return taken.candidate, short
        return None

    def ration(self, candidate: Candidate, spent: dict[int, int]) -> tuple[Awarded, ...] | LimitState:
        """The awards, their points made less where a limit says that what is left is given; or the limit that refuses them.

        ``spent`` is what those before it use of each limit of points, and what it uses is added.
        """
        given = tuple(self._awards(candidate))
        limits = [limit for limit in candidate.standing.limits if limit.measure == "points"]
        wanted = sum(award.quantity for award in given if award.type is AwardType.POINTS)
        if not limits or not wanted:
            return given
        most = wanted
        for limit in limits:
            left = max(0, limit.left - spent.get(limit.id, 0))
            if left < wanted and (limit.on_short is OnShort.REFUSE or not left):
                return limit
            most = min(most, left)
        for limit in limits:
            spent[limit.id] = spent.get(limit.id, 0) + most
        return given if most == wanted else tuple(_up_to(most, given))

    def _describe(self, taken: Taken, spent: dict[int, int]) -> Applied:
        candidate, group, outcome, before, after = taken
        basket = self.question.basket
        self.question.work.spend(4 + len(outcome.lines) + (2 * sum(map(len, outcome.picks.values())) if outcome.picks else 0))
        # By position, as everywhere in the hottest loops: names cost more than the rest of the call.
        return Applied(
            candidate.key,
            candidate.name,
            group.key,
            outcome.amount,
            outcome.wanted,
            _shares(basket.lines, outcome),
            _shares_of_shipping(basket.shipping, outcome) if outcome.shipping else (),
            (group.base or self.question.policy.base)._value_,
            before,
            after,
            candidate.code,
            candidate.grant,
            outcome.stored_value,
            tuple(outcome.added) if outcome.added else (),
            self._given(candidate, spent) if candidate.awards else (),
            outcome.units,
            outcome.units_wanted,
        )

    def _given(self, candidate: Candidate, spent: dict[int, int]) -> tuple[Awarded, ...]:
        given = self.ration(candidate, spent)
        return () if isinstance(given, LimitState) else given

    def _awards(self, candidate: Candidate) -> Iterable[Awarded]:
        target = target_of(candidate.effect)
        lines = range(len(self.running.items)) if target is None else self.question.matcher.lines(target)
        self.question.work.spend(2 + len(lines) // 8 + 3 * len(candidate.awards))
        payable = sum(self.running.items[line] for line in lines)
        self.facts.time_zone = candidate.standing.time_zone
        for number, award in enumerate(candidate.awards):
            given = awarded(award, payable, self.question.basket.currency, self.facts, number)
            if given is not None:
                yield given


def _up_to(most: int, given: Iterable[Awarded]) -> Iterable[Awarded]:
    """The awards with ``most`` points in all: the first are given whole, and what would be nothing is not given."""
    for award in given:
        if award.type is not AwardType.POINTS:
            yield award
            continue
        part = min(award.quantity, most)
        most -= part
        if part:
            yield award if part == award.quantity else replace(award, quantity=part, wanted=award.quantity)


_share = Share._make  # quicker than the constructor, in the hottest loop there is
# Looked up once: reading a member off its class costs more than comparing it.
_ALL, _EXCLUSIVE, _ORIGINAL = Pick.ALL, Eligibility.EXCLUSIVE, Base.ORIGINAL
_CONDITION_NOT_MET, _GE, _GT = Reason.CONDITION_NOT_MET, Op.GE, Op.GT


def _shares_of_shipping(methods: Sequence[Shipping], outcome: Outcome) -> tuple[Share, ...]:
    return tuple(Share(methods[method].method, amount) for method, amount in outcome.shipping)


def _shares(lines: Sequence[Line], outcome: Outcome) -> tuple[Share, ...]:
    cells = zip(outcome.lines, outcome.parts, strict=True)
    if outcome.picks is None:
        return tuple([_share((lines[line].id, part, ())) for line, part in cells])
    picks = outcome.picks
    return tuple(
        [Share(lines[line].id, part, tuple([(count, each) for _run, count, each in picks[line]])) for line, part in cells]
    )


BESIDE_OTHERS = frozenset(
    {
        Reason.LOST_TO_EXCLUSIVE,
        Reason.LOST_TO_BETTER,
        Reason.NOT_FIRST,
        Reason.GROUP_LIMIT,
        Reason.STACK_LIMIT,
        Reason.CAP_REACHED,
        Reason.NO_EFFECT,
        Reason.BUDGET_EXHAUSTED,
        Reason.REQUEST_FAILED,
    }
)


def target_of(effect: Effect) -> Target | None:
    """The goods an effect is about; ``None``: everything."""
    target: Target | None = None if isinstance(effect, NoEffect) else getattr(effect, "target", None)
    return target


def turns(candidates: Sequence[Candidate], question: Question) -> list[tuple[Group, list[Candidate]]]:
    """The candidates in order; those of a group that chooses among its own come together.

    Such groups come first in their rank, in a listed order before everything, by rank and key: so a loser's place changes nothing
    for others.
    """
    found: list[tuple[Group, list[Candidate]]] = []
    gathered: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        group = question.group_of(candidate)
        if not _chooses(group):
            found.append((group, [candidate]))
        elif group.key in gathered:
            gathered[group.key].append(candidate)
        else:
            members = gathered[group.key] = [candidate]
            found.append((group, members))
    if gathered and question.policy.order is Order.LISTED:
        found.sort(key=lambda turn: (0, turn[0].rank, turn[0].key) if _chooses(turn[0]) else (1, 0, ""))
    elif gathered:
        # Stable: what does not choose keeps its place.
        found.sort(key=lambda turn: (turn[0].rank, 0, turn[0].key) if _chooses(turn[0]) else (turn[0].rank, 1, ""))
    return found


def _chooses(group: Group) -> bool:
    """Whether the group has to be looked at as a whole; "the first" needs no such thing unless it is asked line by line."""
    return group.pick is not _ALL and not (group.pick is Pick.FIRST and group.scope is PickScope.BASKET)


def picks_per_line(group: Group) -> bool:
    return group.scope is PickScope.LINE and _chooses(group)


def by_pick(able: Sequence[tuple[Candidate, Outcome]], group: Group) -> list[tuple[Candidate, Outcome]]:
    """Those that could be taken at the group's turn, the one it picks first; of equal ones the first in order."""
    sign = {Pick.BEST_FOR_CUSTOMER: -1, Pick.LEAST_COST: 1}.get(group.pick, 0)
    return sorted(able, key=lambda pair: sign * pair[1].amount)


def near_miss(candidate: Candidate, failed: Condition, facts: BasketFacts) -> Refused:
    """The refusal of conditions that do not hold, with how much is missing where one number is to blame."""
    if not isinstance(failed, Leaf):
        return refused(candidate, _CONDITION_NOT_MET)
    fact, op, value = failed.fact, failed.op, failed.value
    actual = facts(fact)
    missing = None
    if (op is _GE or op is _GT) and isinstance(actual, int) and isinstance(value, int):
        missing = value - actual + (op is _GT)
    elif isinstance(actual, frozenset | list | tuple):
        facts.running.work.spend(len(actual) // 2)  # the answer repeats it
        actual = sorted(actual) if isinstance(actual, frozenset) else actual
    # By position: this is built for every incentive that nearly applied.
    return Refused(candidate.key, candidate.name, _CONDITION_NOT_MET, candidate.code, fact, value, actual, missing)
