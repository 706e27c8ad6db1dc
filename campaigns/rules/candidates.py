"""The incentives that ask to be applied, and what is known of each beside the basket."""

import datetime
import enum
from dataclasses import dataclass, field

from customers.rules.conditions import ALWAYS, Branch, Condition, Leaf, Quantifier

from .awards import Award, is_given_in
from .effects import Effect, serves
from .facts import is_after


class Reason(enum.StrEnum):
    """Why an incentive was not applied; never changed, only added to."""

    NOT_LIVE = "not-live"
    OUTSIDE_SCHEDULE = "outside-schedule"
    WRONG_CHANNEL = "wrong-channel"
    WRONG_CURRENCY = "wrong-currency"
    NOT_ELIGIBLE = "not-eligible"
    OPTED_OUT = "opted-out"
    HELD_OUT = "held-out"
    CODE_UNKNOWN = "code-unknown"
    CODE_MISTYPED = "code-mistyped"
    CODE_EXPIRED = "code-expired"
    CODE_USED = "code-used"
    NOT_HOLDER = "not-holder"
    LIMIT_REACHED = "limit-reached"
    BUDGET_EXHAUSTED = "budget-exhausted"
    CONDITION_NOT_MET = "condition-not-met"
    NO_MATCHING_LINES = "no-matching-lines"
    NO_EFFECT = "no-effect"
    LOST_TO_EXCLUSIVE = "lost-to-exclusive"
    LOST_TO_BETTER = "lost-to-better"
    NOT_FIRST = "not-first"
    GROUP_LIMIT = "group-limit"
    STACK_LIMIT = "stack-limit"
    CAP_REACHED = "cap-reached"
    REQUEST_FAILED = "request-failed"


class OnShort(enum.StrEnum):
    """What happens when a limit has less left than an incentive wants: nothing of it, or what is left."""

    REFUSE = "refuse"
    CLIP = "clip"


@dataclass(frozen=True, slots=True)
class LimitState:
    """One limit and what is used of it by whoever asks."""

    id: int
    measure: str  # as in ``limits.Counted``
    per: str  # as in ``limits.Per``
    maximum: int
    used: int
    on_short: OnShort = OnShort.REFUSE
    subject: str = ""  # under which a use is counted
    slots: int = 1

    @property
    def left(self) -> int:
        return max(0, self.maximum - self.used)

    @property
    def reason(self) -> Reason:
        """Why an incentive is refused that this limit does not leave enough for."""
        return Reason.BUDGET_EXHAUSTED if self.measure == "discount" else Reason.LIMIT_REACHED

    @property
    def fact(self) -> str:
        """What a refusal says that it counts, where "used as often as it may be" would be wrong."""
        return f"limit.{self.measure}" if self.measure in {"order_value", "points"} else ""

    def wanted(self, *, amount: int, units: int, order_value: int = 0, points: int = 0) -> int:
        """What one application uses of it: ``amount`` (minor units) off ``units`` units of an order of ``order_value``, and
        ``points`` awarded.
        """
        if self.measure == "uses":
            return 1
        return {"discount": amount, "units": units, "order_value": order_value}.get(self.measure, points)


@dataclass(frozen=True, slots=True)
class Standing:
    """What decides whether an incentive may be considered at all; ``None`` means "no such restriction"."""

    is_live: bool = True
    starts_at: datetime.datetime | None = None
    ends_at: datetime.datetime | None = None
    channels: frozenset[str] | None = None
    currency: str | None = None
    audience: Condition = ALWAYS
    limits: tuple[LimitState, ...] = ()
    time_zone: str = "UTC"
    # Found out about the code or grant that brought it here (not-holder, code-used, …).
    refusal: Reason | None = None


OPEN = Standing()


@dataclass(frozen=True, slots=True)
class Candidate:
    """An incentive that asks to be applied. ``key`` identifies it in the decision; ``code`` is the text that brought it."""

    key: str
    effect: Effect
    name: str = ""
    group: str = "default"
    priority: int = 0
    conditions: Condition = ALWAYS
    standing: Standing = OPEN
    code: str = ""
    grant: str = ""
    position: int = 0
    awards: tuple[Award, ...] = ()
    # Worked out once, since a candidate is judged often: the conditions before and after its own effect, its place in its rank.
    before: Condition = field(init=False, repr=False, compare=False, default=ALWAYS)
    after: Condition = field(init=False, repr=False, compare=False, default=ALWAYS)
    place: tuple[object, ...] = field(init=False, repr=False, compare=False, default=())
    serves_all: bool = field(init=False, repr=False, compare=False, default=False)
    # Steps of work (``work.py``) that judging it costs at least, whatever comes of it.
    weight: int = field(init=False, repr=False, compare=False, default=0)

    def __post_init__(self) -> None:
        if self.conditions is not ALWAYS:
            before, after = split(self.conditions)
            object.__setattr__(self, "before", before)
            object.__setattr__(self, "after", after)
        starts_at = self.standing.starts_at
        start = starts_at.timestamp() if starts_at else float("-inf")
        # "" is no currency: what serves it names none.
        object.__setattr__(self, "serves_all", self.serves(""))
        object.__setattr__(self, "weight", 6 + self.conditions.weight)
        object.__setattr__(self, "place", (-self.priority, start, self.key, self.code, self.grant))

    def serves(self, currency: str) -> bool:
        """Whether every amount of what is promised is known in ``currency``."""
        return serves(self.effect, currency) and all(is_given_in(award, currency) for award in self.awards)


def split(condition: Condition) -> tuple[Condition, Condition]:
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


@dataclass(frozen=True, slots=True)
class UnknownCode:
    """A code that was sent and opens nothing."""

    code: str
    reason: Reason = Reason.CODE_UNKNOWN
