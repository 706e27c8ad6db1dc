"""The dearest (or cheapest) permitted combination, exactly, within a stated bound of work.

A combination keeps the order of the incentives and leaves some of them out. The search goes through the turns and tries each with
and without, with first; so of equal combinations the one that a plain walk would reach first is found first and kept. At the turn
of a group that picks one, each of its incentives is tried; of one that picks for each line, each set of them. A branch is given
up when even taking everything that is left to pay could not make it better. Past ``MOST_ATTEMPTS`` judgements, or three quarters
of the work that is left, the best found so far is returned, and said not to be proved.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence

from .candidates import Candidate, Reason
from .decision import Refused, refused
from .groups import Eligibility, Group
from .policy import Choose
from .walking import Question, Walk, by_pick, picks_per_line, turns
from .work import TooComplex

MOST_ATTEMPTS = 20_000


class _Search:
    def __init__(self, question: Question, candidates: Sequence[Candidate], choose: Choose) -> None:
        self.question = question
        self.turns = turns(candidates, question)
        self.wants_most = choose is Choose.BEST_FOR_CUSTOMER
        self.best: Walk | None = None
        self.chosen: frozenset[int] = frozenset()  # by identity, those the best walk was asked for
        self.attempts = 0
        self.reserve = question.work.left // 4

    @property
    def is_exhausted(self) -> bool:
        return self.attempts >= MOST_ATTEMPTS or self.question.work.left < self.reserve

    def is_better(self, walk: Walk) -> bool:
        if not walk.taken:
            return False
        if self.best is None:
            return True
        return walk.discount > self.best.discount if self.wants_most else walk.discount < self.best.discount

    def is_hopeless(self, walk: Walk) -> bool:
        if self.best is None:
            return False
        if self.wants_most:
            return walk.discount + walk.running.total <= self.best.discount
        return bool(walk.taken) and walk.discount >= self.best.discount

    def explore(self, walk: Walk) -> None:
        """Depth first, with a stack of its own: there may be more turns than the interpreter nests calls."""
        waiting = [iter([(walk, frozenset[int]())])]
        while waiting:
            position = len(waiting) - 1
            step = next(waiting[-1], None)
            if step is None:
                waiting.pop()
                continue
            reached, chosen = step
            self.question.work.spend(2)
            if self.is_exhausted or self.is_hopeless(reached):
                continue
            if position < len(self.turns):
                waiting.append(self._branches(reached, position, chosen))
            elif self.is_better(reached):
                self.best, self.chosen = reached, chosen

    def _branches(self, walk: Walk, position: int, chosen: frozenset[int]) -> Iterator[tuple[Walk, frozenset[int]]]:
        group, members = self.turns[position]
        for with_it, taken in self._ways(walk, group, members):
            yield with_it, chosen | taken
        yield walk, chosen

    def _ways(self, walk: Walk, group: Group, members: Sequence[Candidate]) -> Iterable[tuple[Walk, frozenset[int]]]:
        """Every way to take something at one turn, what a plain walk would do first."""
        if picks_per_line(group):
            for size in range(len(members), 0, -1):
                for asked in itertools.combinations(members, size):
                    if self.is_exhausted:
                        return
                    self.attempts += size
                    with_it = walk.copy()
                    with_it.pick_per_line(asked, group)
                    if len(with_it.taken) > len(walk.taken):
                        yield with_it, frozenset(map(id, asked))
            return
        able = []
        for candidate in members:
            self.attempts += 1
            outcome = walk.attempt(candidate, group)
            if not isinstance(outcome, Refused):
                able.append((candidate, outcome))
        for candidate, outcome in by_pick(able, group):
            with_it = walk.copy()
            with_it.take(candidate, group, outcome)
            yield with_it, frozenset({id(candidate)})


def search(question: Question, ordered: Sequence[Candidate], choose: Choose) -> tuple[Walk, bool]:
    """The chosen walk, with every other candidate refused for its own reason or as having lost; and whether it is proved.

    Common and exclusive incentives are never taken together: both ways are searched, and the better one wins.
    """
    families = {
        Eligibility.EXCLUSIVE: [c for c in ordered if question.group_of(c).eligibility is not Eligibility.COMMON],
        Eligibility.COMMON: [c for c in ordered if question.group_of(c).eligibility is not Eligibility.EXCLUSIVE],
    }
    best: Walk | None = None
    chosen: frozenset[int] = frozenset()
    proved = True
    if not ordered:
        return Walk(question), proved
    for candidates in families.values():
        attempt = _Search(question, candidates, choose)
        attempt.best, attempt.chosen = best, chosen
        attempt.explore(Walk(question))
        proved = proved and not attempt.is_exhausted
        best, chosen = attempt.best, attempt.chosen
    if best is None and not proved:
        raise TooComplex
    return _tell(question, ordered, chosen), proved


def _tell(question: Question, ordered: Sequence[Candidate], chosen: frozenset[int]) -> Walk:
    """Walk again with the chosen ones, saying of each other why it is not among them."""
    walk = Walk(question)
    left_out: list[Candidate] = []
    for group, members in turns(ordered, question):
        asked = [candidate for candidate in members if id(candidate) in chosen]
        if picks_per_line(group):
            walk.pick_per_line(asked, group)
        for candidate in members:
            if id(candidate) in chosen:
                if not picks_per_line(group):
                    walk.offer(candidate, group)
                continue
            outcome = walk.attempt(candidate, group)
            if isinstance(outcome, Refused):
                walk.refuse(outcome)
            else:
                left_out.append(candidate)
    if left_out:
        winner = max(walk.taken, key=lambda taken: taken.outcome.amount).candidate.key if walk.taken else ""
        for candidate in left_out:
            is_common = question.group_of(candidate).eligibility is Eligibility.COMMON
            reason = Reason.LOST_TO_EXCLUSIVE if walk.exclusive and is_common else Reason.LOST_TO_BETTER
            walk.refuse(refused(candidate, reason, winner=walk.exclusive[0] if walk.exclusive and is_common else winner))
    return walk
