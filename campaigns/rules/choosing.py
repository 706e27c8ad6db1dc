"""The dearest (or cheapest) permitted combination, exactly, within a stated bound of work.

A combination keeps the order of the incentives and leaves some of them out. The search goes through the order and tries each with
and without, with first; so of equal combinations the one that a plain walk would reach first is found first and kept. A branch is
given up when even taking everything that is left to pay could not make it better. Past ``MOST_ATTEMPTS`` judgements the best
found so far is returned, and said not to be proved.
"""

from collections.abc import Sequence

from .candidates import Candidate, Reason
from .decision import Refused
from .groups import Eligibility
from .policy import Choose
from .walking import Question, Walk, refused

MOST_ATTEMPTS = 20_000


class _Search:
    def __init__(self, question: Question, candidates: Sequence[Candidate], choose: Choose) -> None:
        self.question = question
        self.candidates = candidates
        self.wants_most = choose is Choose.BEST_FOR_CUSTOMER
        self.best: Walk | None = None
        self.attempts = 0

    @property
    def is_exhausted(self) -> bool:
        return self.attempts >= MOST_ATTEMPTS

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

    def explore(self, walk: Walk, position: int) -> None:
        if self.is_exhausted or self.is_hopeless(walk):
            return
        if position == len(self.candidates):
            if self.is_better(walk):
                self.best = walk
            return
        candidate = self.candidates[position]
        group = self.question.group_of(candidate)
        self.attempts += 1
        outcome = walk.attempt(candidate, group)
        if not isinstance(outcome, Refused):
            with_it = walk.copy()
            with_it.take(candidate, group, outcome)
            self.explore(with_it, position + 1)
        self.explore(walk, position + 1)


def search(question: Question, ordered: Sequence[Candidate], choose: Choose) -> tuple[Walk, bool]:
    """The chosen walk, with every other candidate refused for its own reason or as having lost; and whether it is proved.

    Common and exclusive incentives are never taken together: both ways are searched, and the better one wins.
    """
    families = {
        Eligibility.EXCLUSIVE: [c for c in ordered if question.group_of(c).eligibility is not Eligibility.COMMON],
        Eligibility.COMMON: [c for c in ordered if question.group_of(c).eligibility is not Eligibility.EXCLUSIVE],
    }
    found = _Search(question, (), choose)
    proved = True
    for candidates in families.values():
        attempt = _Search(question, candidates, choose)
        attempt.best = found.best
        attempt.explore(Walk(question), 0)
        proved = proved and not attempt.is_exhausted
        found.best = attempt.best
    chosen = {id(taken.candidate) for taken in found.best.taken} if found.best else set()
    return _tell(question, ordered, chosen), proved


def _tell(question: Question, ordered: Sequence[Candidate], chosen: set[int]) -> Walk:
    """Walk again with the chosen ones, saying of each other why it is not among them."""
    walk = Walk(question)
    left_out: list[Candidate] = []
    for candidate in ordered:
        group = question.group_of(candidate)
        if id(candidate) in chosen:
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
