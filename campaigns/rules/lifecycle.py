"""A campaign's life: draft → scheduled → live ⇄ paused → ended, and what stands in the way of a launch."""

import datetime
import enum
from dataclasses import dataclass

from customers.rules.faults import Fault


class Step(enum.StrEnum):
    LAUNCH = "launch"
    PAUSE = "pause"
    RESUME = "resume"
    END = "end"
    ADVANCE = "advance"


# From which states a step leads where. A launch leads to scheduled or live, by the clock; pausing a scheduled one is allowed.
MOVES: dict[Step, frozenset[str]] = {
    Step.LAUNCH: frozenset({"draft"}),
    Step.PAUSE: frozenset({"live", "scheduled"}),
    Step.RESUME: frozenset({"paused"}),
    Step.END: frozenset({"scheduled", "live", "paused"}),
}


@dataclass(frozen=True, slots=True)
class LaunchFacts:
    """What is looked at before a launch."""

    starts_at: datetime.datetime | None
    ends_at: datetime.datetime | None
    channels: int
    redeeming_channels: int
    incentives: int
    incentives_without_value: int
    code_incentives_without_code: int


def obstacles(facts: LaunchFacts, now: datetime.datetime) -> list[Fault]:
    """What stands in the way of a launch, as sentences with a pointer to the field; empty when nothing does."""
    found = []
    if facts.incentives == 0:
        found.append(Fault("/incentives", "no-incentive", "Add an incentive: a campaign without one promises nothing."))
    if facts.incentives_without_value:
        found.append(Fault("/incentives", "no-value", "An incentive has no value of its own and cannot be launched."))
    if facts.code_incentives_without_code:
        found.append(Fault("/incentives", "no-code", "Give the incentive its code: without one nobody can use it."))
    if facts.channels == 0:
        found.append(Fault("/channels", "no-channel", "Choose at least one channel."))
    elif facts.redeeming_channels == 0:
        found.append(Fault("/channels", "no-redeeming-channel", "Choose a channel where the incentive can be redeemed."))
    if facts.ends_at is not None and facts.ends_at <= now:
        found.append(Fault("/ends_at", "ends-in-the-past", "The campaign would already be over: choose a later end."))
    return found


def status_at(starts_at: datetime.datetime | None, ends_at: datetime.datetime | None, now: datetime.datetime) -> str:
    """The status of a launched campaign by the clock (periods are half-open)."""
    if ends_at is not None and now >= ends_at:
        return "ended"
    return "scheduled" if starts_at is not None and now < starts_at else "live"
