"""Worked cases of scores, margins, visibility, schedules and participation, each through the rule that decides it."""

import datetime as dt
import json
from collections.abc import Callable
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from surveys.rules import participation, schedules, scores, visibility
from surveys.rules.publishing import OTHER, publish
from surveys.rules.scores import Counts, Scale

CASES = json.loads((Path(__file__).parent / "cases" / "surveys.json").read_text())
WEEKDAYS = {name: number for number, name in enumerate(("MO", "TU", "WE", "TH", "FR", "SA", "SU"))}


def _counts(given: dict[str, Any]) -> Counts:
    return Counts(given.get("promoters", 0), given.get("passives", 0), given.get("detractors", 0))


def _of(counts: Counts) -> dict[str, Any]:
    index = counts.exact
    return {
        "answered": counts.answered,
        "promoters": counts.promoters,
        "passives": counts.passives,
        "detractors": counts.detractors,
        "index": counts.index,
        "index_rounded": None if index is None else scores.rounded(index),
    }


def index(given: dict[str, Any]) -> dict[str, Any]:
    if "answers" in given:
        start = dt.date(2026, 1, 1)
        answers = [(a["person"], start + dt.timedelta(days=a["day"]), a["score"]) for a in given["answers"]]
        today = start + dt.timedelta(days=given["today"])
        latest = scores.latest_of_each(answers, today=today, window_days=given["window_days"])
        return _of(scores.count(latest, Scale(0, 10)))
    if "pct_scores_9_10" in given:
        promoters, detractors = (sum(Fraction(str(n)) for n in given[f"pct_scores_{name}"]) / 100 for name in ("9_10", "0_6"))
        value = scores.index_of_shares(promoters, detractors)
        return {"index": float(value), "index_rounded": scores.rounded(100 * (promoters - detractors))}
    if "promoters_share" in given:
        shares = Fraction(given["promoters_share"]), Fraction(given["detractors_share"])
        return {"index": float(scores.index_of_shares(*shares)), "variance_of_one_answer": scores.variance_of_one_answer(*shares)}
    histogram = next((values for name, values in given.items() if name.startswith("histogram")), None)
    if histogram is not None:
        low = 1 if "1_to" in next(iter(name for name in given if name.startswith("histogram"))) else 0
        return _of(scores.of_histogram({low + n: times for n, times in enumerate(histogram)}))
    if "scores" not in given:
        return _of(_counts(given))
    return _of(scores.count(given["scores"], Scale(*given.get("scale", [0, 10]))))


def rating(given: dict[str, Any]) -> dict[str, Any]:
    low, high = given["scale"]
    found = scores.rating(given["scores"], Scale(low, high))
    return {"mean": found.mean, "answered": found.answered, f"distribution_{low}_to_{high}": list(found.distribution)}


def margin(given: dict[str, Any]) -> dict[str, Any]:
    counts, confidence = _counts(given), given.get("confidence_pct", 95)
    everybody = given.get("population") or given.get("invited")
    adjusted = scores.margin(counts, confidence=confidence, everybody=everybody)
    if adjusted is None:
        return {"n": 0, "index": None, "standard_error": None, "margin": None, "adjusted": None}
    error = scores.standard_error(counts, everybody=everybody)
    return {
        "n": counts.answered,
        "index": counts.index,
        "standard_error": error,
        "margin": error and scores.Z[confidence] * error,
        "adjusted": {"centre": adjusted.centre, "margin": adjusted.margin, "low": adjusted.low, "high": adjusted.high},
    }


def difference(given: dict[str, Any]) -> dict[str, Any]:
    first, second = _counts(given["first"]), _counts(given["second"])
    found = scores.change(first, second)
    return {
        "index_first": first.index,
        "index_second": second.index,
        "z": found and found.z,
        "significant_at_pct": str(found.significant_at) if found and found.significant_at else None,
    }


def floor(given: dict[str, Any]) -> dict[str, Any]:
    if "offered" in given:
        return {"accepted": [visibility.is_allowed(k) for k in given["offered"]]}
    if "k_scores" in given:
        return {
            f"{name}_shown": [visibility.reaches(n, given[f"k_{name}"]) for n in given["respondents"]]
            for name in ("scores", "feedback")
        }
    shown = [group for group, n in given["respondents"].items() if visibility.reaches(n, given["k"])]
    return {"shown": shown, "hidden": [group for group in given["respondents"] if group not in shown]}


def published(respondents: dict[str, int], k: int) -> dict[str, Any]:
    """What is published of a company that is divided so; groups in the order in which the case lists them."""
    names = {name: f"{number:03} {name}" for number, name in enumerate(respondents)}
    people = [{"location": names[name]} for name, count in respondents.items() for _n in range(count)]
    ballots = [{"groups": groups, "values": {"score": 7}} for groups in people]
    found = publish(ballots, [{"key": "score", "kind": "enps"}], k=k, hides_uniform=False)
    plain = {listed: name for name, listed in names.items()}
    figures = found["figures"].get("score", {})
    return {
        "whole": bool(figures),
        "groups": {
            "other" if key.startswith(OTHER) else plain[key]: times["*"] for key, times in figures.get("location", {}).items()
        },
    }


def complement(given: dict[str, Any]) -> dict[str, Any]:
    if "shown_group" in given:
        whole, part = _counts(given["whole"]), _counts(given["shown_group"])
        rest = given["whole"]["n"] - given["shown_group"]["n"]
        hidden = Fraction(100 * (whole.promoters - part.promoters - whole.detractors + part.detractors), rest)
        indexes = [100 * (c.promoters - c.detractors) / given[name]["n"] for c, name in ((whole, "whole"), (part, "shown_group"))]
        return {"whole_index": indexes[0], "shown_index": indexes[1], "hidden_n": rest, "hidden_index": float(hidden)}
    found = published(given["respondents"], given["k"])
    answered = [group for group, count in given["respondents"].items() if count]
    shown = [group for group in answered if group in found["groups"]]
    return {"shown": shown, "hidden": [group for group in answered if group not in shown], "whole_shown": found["whole"]}


def rollup(given: dict[str, Any]) -> dict[str, Any]:
    return {"groups": published(given["respondents"], given["k"])["groups"]}


def schedule(given: dict[str, Any]) -> dict[str, Any]:
    if "opens" in given:
        opens = dt.date.fromisoformat(given["opens"])
        answered = {person: on and dt.date.fromisoformat(on) for person, on in given["answered_on"].items()}
        return {person: [day.isoformat() for day in schedules.reminders(opens, on)] for person, on in answered.items()}
    if "last_day" in given:
        return {"expires": schedules.link_expires(dt.date.fromisoformat(given["last_day"])).isoformat().replace("+00:00", "Z")}
    if "send_time" in given:
        time = dt.time.fromisoformat(given["send_time"])
        return {
            "first_mail": [schedules.first_mail(dt.datetime.fromisoformat(now), time).isoformat()[:16] for now in given["now"]]
        }
    if "bank" in given:
        surveys = schedules.surveys_before_a_repeat(given["bank"], given["per_survey"])
        return {"surveys_before_repeat": surveys, "weeks": surveys * given["every_weeks"]}
    if "first" in given:
        cancelled = [dt.date.fromisoformat(day) for day in given.get("cancelled", [])]
        starts = schedules.meetings(
            dt.datetime.fromisoformat(given["first"]),
            every_weeks=given.get("every_weeks", 0),
            every_months=given.get("every_months", 0),
            zone=given["time_zone"],
            cancelled=cancelled,
        )
        return {
            "starts_local": [
                start.isoformat()[:16] + start.isoformat()[19:] for start in islice(starts, given["count"] - len(cancelled))
            ]
        }
    anchor = dt.date.fromisoformat(given.get("anchor") or given["anchor_week_monday"])
    rule = schedules.Recurrence(
        anchor,
        weeks=given.get("every_weeks", 0),
        months=given.get("every_months", 0),
        short_month=schedules.ShortMonth(given.get("short_month", "clip")),
        weekend=schedules.Weekend(given.get("weekend", "keep")),
        weekday=WEEKDAYS[given["weekday"]] if "weekday" in given else None,
        ordinal=given.get("ordinal"),
    )
    return {"dates": [day.isoformat() for day in schedules.first_dates(rule, given["count"])]}


def taking_part(given: dict[str, Any]) -> dict[str, Any]:
    if "displays" in given:
        funnel = participation.funnel(given["displays"], given["started"], given["finished"])
        return {"start_pct": funnel.start, "completion_pct": funnel.completion, "drop_off_pct": funnel.drop_off}
    if "in_both" in given:
        both = given["in_both"]
        a = set(range(given["team_a_respondents"]))
        b = set(range(len(a) - both, len(a) - both + given["team_b_respondents"]))
        return {"organisation_respondents": len(a | b), "team_a": len(a), "team_b": len(b)}
    return {"rate_pct": scores.Participation(given["invited"], given["submitted"]).percent}


THROUGH: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "index": index,
    "rating": rating,
    "margin": margin,
    "difference": difference,
    "visibility": floor,
    "complement": complement,
    "rollup": rollup,
    "schedule": schedule,
    "participation": taking_part,
}


# Shown where it happens: surveys/tests/operations/test_waves.py, test_live.py and test_rewards.py.
BY_OPERATIONS = {"E25", "G03", "G04", "G09", "G10"}
BY_RULES = [case for case in CASES if case["id"] not in BY_OPERATIONS]


@pytest.mark.parametrize("case", BY_RULES, ids=lambda case: case["id"])
def test_a_case_comes_out_as_worked_by_hand(case: dict[str, Any]) -> None:
    found = THROUGH[case["group"]](case["given"])
    assert _alike({name: found[name] for name in case["expect"]}, case["expect"], case.get("tolerance", 0)), found


def _alike(found: Any, expected: Any, tolerance: float) -> bool:
    if isinstance(expected, dict):
        return isinstance(found, dict) and all(_alike(found.get(name), value, tolerance) for name, value in expected.items())
    if isinstance(expected, float) and isinstance(found, int | float):
        return abs(found - expected) <= tolerance + 1e-9
    return bool(found == expected)


def test_nobody_answered_is_no_score_no_margin_and_no_change() -> None:
    nobody, some = {"promoters": 0}, {"promoters": 3, "detractors": 1}
    assert margin(nobody)["adjusted"] is None
    assert index({"scores": []})["index"] is None
    assert rating({"scores": [None, 0, 9, "x", 2.5, True], "scale": [1, 5]}) == {
        "mean": None,
        "answered": 0,
        "distribution_1_to_5": [0] * 5,
    }
    assert difference({"first": nobody, "second": some})["significant_at_pct"] is None
    assert taking_part({"invited": 0, "submitted": 0}) == {"rate_pct": None}
    assert published({}, 5) == published({"a": 0, "b": 4}, 5) == {"whole": False, "groups": {}}


@pytest.mark.parametrize(
    ("respondents", "shown"),
    [
        ({"a": 4, "b": 4}, {"other": 8}),  # all hidden
        ({"a": 5, "b": 5, "c": 1}, {"b": 5, "other": 6}),  # of two alike the one listed first
        ({"z": 5, "y": 5, "c": 1}, {"y": 5, "other": 6}),
        ({"a": 5, "b": 0, "c": 5}, {"a": 5, "c": 5}),  # empty groups hide nobody
        ({"a": 1, "b": 1, "c": 1, "d": 1, "e": 1, "f": 50}, {"f": 50, "other": 5}),
        ({"sales": 4, "technology": 9}, {"other": 13}),
    ],
)
def test_which_groups_are_shown_of_one_dimension(respondents: dict[str, int], shown: dict[str, int]) -> None:
    assert published(respondents, 5)["groups"] == shown


def test_leap_days_fifth_mondays_and_last_fridays() -> None:
    def dates(**given: Any) -> list[str]:
        found: list[str] = schedule(given)["dates"]
        return found

    assert dates(anchor="2024-02-29", every_months=12, count=5)[::4] == ["2024-02-29", "2028-02-29"]
    assert dates(anchor="2026-01-01", every_months=1, weekday="MO", ordinal=5, count=3) == [
        "2026-03-30",
        "2026-06-29",
        "2026-08-31",
    ]
    assert dates(anchor="2026-01-01", every_months=1, weekday="FR", ordinal=-1, count=2) == ["2026-01-30", "2026-02-27"]
    # The first Tuesday of January is before the anchor.
    assert dates(anchor="2026-01-15", every_months=1, weekday="TU", ordinal=1, count=1) == ["2026-02-03"]
