"""Decide with a budget of work: the one way from any door to the stacking rule (``docs/limits.md``, Work)."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from django.utils.translation import gettext_lazy as _

from incentives_site.shared.problems import Kind, Problem

from ..rules import stacking
from ..rules.basket import Basket
from ..rules.candidates import Candidate, UnknownCode
from ..rules.decision import Decision
from ..rules.facts import Surroundings
from ..rules.groups import Group
from ..rules.policy import Policy
from ..rules.work import Work


class TooComplex(Problem):
    code = "too-complex"
    title = _("Too complex to calculate")
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__(
            _("This basket and its incentives are too complex to calculate. Send fewer lines, or simplify the incentives.")
        )


@contextmanager
def bounded(most: int = stacking.MOST_STEPS) -> Iterator[Work]:
    """The work that may be done inside, in steps; raises ``TooComplex`` when it would be more."""
    try:
        yield Work(most)
    except stacking.TooComplex:
        raise TooComplex from None


def decide(
    *,
    basket: Basket,
    candidates: Sequence[Candidate],
    surroundings: Surroundings,
    groups: Mapping[str, Group] | None = None,
    policy: Policy | None = None,
    unknown_codes: Sequence[UnknownCode] = (),
    most: int = stacking.MOST_STEPS,
    work: Work | None = None,
) -> Decision:
    """The decision of ``rules.stacking.decide`` within ``most`` steps, or within what is left of ``work``.

    Raises ``TooComplex``; nothing is known about the outcome then.
    """
    with bounded(most) as own:
        return stacking.decide(
            basket=basket,
            candidates=candidates,
            surroundings=surroundings,
            groups=groups,
            policy=policy,
            unknown_codes=unknown_codes,
            work=own if work is None else work,
        )
