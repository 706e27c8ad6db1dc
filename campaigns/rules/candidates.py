"""The incentives that ask to be applied, and what is known of each beside the basket."""

import datetime
import enum
from dataclasses import dataclass

from customers.rules.conditions import ALWAYS, Condition

from .awards import Award
from .effects import Effect


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


@dataclass(frozen=True, slots=True)
class LimitState:
    """One limit and what is used of it by whoever asks."""

    id: int
    measure: str  # "uses" or "discount"
    per: str  # "total" or "customer"
    maximum: int
    used: int

    @property
    def left(self) -> int:
        return max(0, self.maximum - self.used)


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


@dataclass(frozen=True, slots=True)
class Candidate:
    """An incentive that asks to be applied. ``key`` identifies it in the decision; ``code`` is the text that brought it."""

    key: str
    effect: Effect
    name: str = ""
    group: str = "default"
    priority: int = 0
    conditions: Condition = ALWAYS
    standing: Standing = Standing()
    code: str = ""
    grant: str = ""
    position: int = 0
    awards: tuple[Award, ...] = ()


@dataclass(frozen=True, slots=True)
class UnknownCode:
    """A code that was sent and opens nothing."""

    code: str
    reason: Reason = Reason.CODE_UNKNOWN
