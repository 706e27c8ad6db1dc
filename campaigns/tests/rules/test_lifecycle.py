"""What stands in the way of a launch, and what a launched campaign is by the clock."""

import dataclasses
import datetime
from typing import Any

import pytest

from campaigns.rules.lifecycle import MOVES, LaunchFacts, Step, obstacles, status_at

NOW = datetime.datetime(2026, 11, 21, 12, tzinfo=datetime.UTC)
SECOND = datetime.timedelta(seconds=1)
READY = LaunchFacts(
    starts_at=None, ends_at=None, channels=1, redeeming_channels=1, incentives=1, incentives_without_value=0,
    code_incentives_without_code=0,
)  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "pointer", "code", "sentence"),
    [
        ({"incentives": 0}, "/incentives", "no-incentive", "Add an incentive: a campaign without one promises nothing."),
        (
            {"incentives_without_value": 1}, "/incentives", "no-value",
            "An incentive has no value of its own and cannot be launched.",
        ),
        (
            {"code_incentives_without_code": 1}, "/incentives", "no-code",
            "Give the incentive its code: without one nobody can use it.",
        ),
        ({"channels": 0, "redeeming_channels": 0}, "/channels", "no-channel", "Choose at least one channel."),
        (
            {"redeeming_channels": 0}, "/channels", "no-redeeming-channel",
            "Choose a channel where the incentive can be redeemed.",
        ),
        ({"ends_at": NOW}, "/ends_at", "ends-in-the-past", "The campaign would already be over: choose a later end."),
    ],
)  # fmt: skip
def test_what_stands_in_the_way_is_said_with_its_place(wrong: dict[str, Any], pointer: str, code: str, sentence: str) -> None:
    [fault] = obstacles(dataclasses.replace(READY, **wrong), NOW)
    assert (fault.pointer, fault.code, fault.detail) == (pointer, code, sentence)


def test_nothing_stands_in_the_way_of_what_is_ready() -> None:
    assert obstacles(READY, NOW) == []
    assert obstacles(dataclasses.replace(READY, ends_at=NOW + SECOND, starts_at=NOW - SECOND), NOW) == []


def test_everything_that_is_missing_is_said_at_once() -> None:
    nothing = LaunchFacts(None, NOW - SECOND, 0, 0, 0, 1, 1)
    assert [fault.code for fault in obstacles(nothing, NOW)] == [
        "no-incentive", "no-value", "no-code", "no-channel", "ends-in-the-past",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("starts_in", "ends_in", "status"),
    [
        (None, None, "live"), (0, None, "live"), (-1, 1, "live"), (1, None, "scheduled"), (1, 2, "scheduled"),
        (None, 0, "ended"), (-2, -1, "ended"), (None, 1, "live"),
    ],
)  # fmt: skip
def test_a_campaign_runs_from_its_start_up_to_its_end(starts_in: int | None, ends_in: int | None, status: str) -> None:
    starts_at, ends_at = (None if seconds is None else NOW + seconds * SECOND for seconds in (starts_in, ends_in))
    assert status_at(starts_at, ends_at, NOW) == status


def test_what_has_ended_never_starts_again() -> None:
    assert not any("ended" in before for before in MOVES.values())
    assert MOVES[Step.RESUME] == {"paused"}
