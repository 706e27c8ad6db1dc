"""May this incentive be considered at all? Judged alone, before it meets the others."""

from customers.rules.conditions import ALWAYS, Leaf, first_failure, holds

from .basket import Basket
from .candidates import OPEN, Candidate, Reason
from .decision import Refused
from .facts import Surroundings


def screen(candidate: Candidate, basket: Basket, surroundings: Surroundings) -> Refused | None:
    """Why the candidate is refused before any basket is looked at, or ``None``. The first reason that holds is given."""
    if candidate.standing is OPEN:
        return None
    reason = _first_reason(candidate, basket, surroundings)
    if reason is None:
        return None
    leaf = _failing_audience_leaf(candidate, surroundings) if reason is Reason.NOT_ELIGIBLE else None
    short = next((limit for limit in candidate.standing.limits if limit.left < 1), None) if reason in _OF_LIMITS else None
    return Refused(
        incentive=candidate.key,
        name=candidate.name,
        reason=reason,
        code=candidate.code,
        fact=leaf.fact if leaf else short.fact if short else "",
        needed=leaf.value if leaf else None,
        needs_customer=surroundings.customer is None and _is_about_the_customer(candidate, reason),
    )


def _first_reason(candidate: Candidate, basket: Basket, surroundings: Surroundings) -> Reason | None:
    standing = candidate.standing
    now = surroundings.now
    if standing.refusal in {Reason.NOT_HOLDER, Reason.CODE_UNKNOWN}:
        return standing.refusal
    if not standing.is_live:
        return Reason.NOT_LIVE
    if (standing.starts_at is not None and now < standing.starts_at) or (
        standing.ends_at is not None and now >= standing.ends_at
    ):
        return Reason.CODE_EXPIRED if candidate.code and standing.ends_at and now >= standing.ends_at else Reason.OUTSIDE_SCHEDULE
    if standing.refusal is not None:
        return standing.refusal
    if standing.channels is not None and surroundings.channel_key not in standing.channels:
        return Reason.WRONG_CHANNEL
    if standing.currency is not None and basket.currency != standing.currency:
        return Reason.WRONG_CURRENCY
    if not holds(standing.audience, _CustomerFacts(surroundings)):
        return Reason.NOT_ELIGIBLE
    for limit in standing.limits:
        if limit.left < 1:
            return limit.reason
    return None


_OF_LIMITS = frozenset({Reason.LIMIT_REACHED, Reason.BUDGET_EXHAUSTED})


class _CustomerFacts:
    """Only what is known of the customer: an audience cannot ask about the basket."""

    def __init__(self, surroundings: Surroundings) -> None:
        self.known = surroundings.customer or {}

    def __call__(self, name: str) -> object:
        return self.known.get(name.removeprefix("customer.")) if name.startswith("customer.") else None


def _failing_audience_leaf(candidate: Candidate, surroundings: Surroundings) -> Leaf | None:
    if candidate.standing.audience is ALWAYS:
        return None
    return first_failure(candidate.standing.audience, _CustomerFacts(surroundings))


def _is_about_the_customer(candidate: Candidate, reason: Reason) -> bool:
    """Whether the refusal could turn out differently once it is known who buys."""
    if reason is Reason.LIMIT_REACHED:
        return all(limit.per.startswith("customer") or limit.left for limit in candidate.standing.limits)
    return reason is Reason.NOT_ELIGIBLE
