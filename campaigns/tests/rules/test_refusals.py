"""What is refused where: every value of an example of the whole language, replaced by each of some oddities.

Pointers and codes of refusals are part of the contract with whoever writes the language. ``cases/refusals.json`` holds them,
grouped by place, and what is understood of what is accepted (as a digest where it is not the example itself). After a change
that is meant, ``REWRITE=1 pytest campaigns/tests/rules/test_refusals.py`` writes it anew; the difference is what to review.
"""

import copy
import datetime
import hashlib
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from campaigns.rules import language
from campaigns.rules.candidates import OPEN
from campaigns.rules.effects import NoEffect
from campaigns.rules.language import Reader, read_awards, read_basket, read_effect, read_promise, read_simulation
from customers.rules.faults import Fault, Misunderstood

from .test_schema import AWARDS, CONDITIONS, EFFECTS, WHOLE, places

GOLDEN = Path(__file__).parent / "cases" / "refusals.json"
NOW = datetime.datetime(2026, 11, 21, 12, tzinfo=datetime.UTC)
REMOVED = object()
ODDITIES: list[Any] = [
    REMOVED, None, True, False, 0, 1, 2, -1, 1001, 10**14, 2.5, "", " ", "x", "USD", "12.5", "100.0001", "1e1", "1.00001",
    "x" * 201, "nul\x00", "\ud800", [], ["x"], [""], [1], {}, {"x": 1}, {"USD": 1}, {"USD": -1}, {"XXX": 1},
]  # fmt: skip
SMALL: dict[str, Any] = {
    "currency": "USD",
    "basket": {"lines": []},
    "incentives": [{"key": "a", "effect": EFFECTS[0], "limits": [{"measure": "uses", "left": 1, "on_short": "clip"}]}],
}


Judge = Callable[[Any], str]


def _told(faults: Sequence[Fault], meaning: object) -> str:
    """The faults, or what was understood."""
    if faults:
        return "; ".join(sorted(f"{fault.pointer} {fault.code}" for fault in faults))
    return repr(meaning)


def _faults(read: Callable[[Any, Reader], object]) -> Judge:
    def judge(document: Any) -> str:
        reader = Reader()
        meaning = read(document, reader)
        return _told(reader.faults, meaning)

    return judge


def _simulated(document: Any) -> str:
    try:
        return _told((), read_simulation(document, now=NOW))
    except Misunderstood as error:
        return _told(error.faults, None)


def _sections() -> dict[str, tuple[Any, Judge]]:
    """Small documents, each with the function that reads it."""
    found: dict[str, tuple[Any, Any]] = {}
    for n, effect in enumerate(EFFECTS):
        found[f"effect {n} {effect.get('type', 'none')}"] = (
            effect,
            _faults(lambda data, reader: read_effect(data, reader=reader)),
        )
    for n, award in enumerate(AWARDS):
        found[f"award {n} {award['type']}"] = ([award], _faults(lambda data, reader: read_awards(data, reader=reader)))
    for n, condition in enumerate(CONDITIONS):
        found[f"condition {n}"] = (condition, _faults(lambda data, reader: reader.condition(data, "/conditions")))
    found["basket"] = (WHOLE["basket"], _faults(lambda data, reader: read_basket(data, currency="USD", reader=reader)))
    whole = {name: value for name, value in WHOLE.items() if name != "basket"} | SMALL
    found["simulation"] = (whole, _simulated)
    return found


def _replaced(document: Any, place: tuple[Any, ...], oddity: Any) -> Any:
    if not place:
        return None if oddity is REMOVED else oddity
    changed = copy.deepcopy(document)
    holder = changed
    for step in place[:-1]:
        holder = holder[step]
    if oddity is REMOVED:
        del holder[place[-1]]
    else:
        holder[place[-1]] = oddity
    return changed


def _named(oddity: Any) -> str:
    return "removed" if oddity is REMOVED else json.dumps(oddity)[:24]


def refusals(document: Any, judge: Judge) -> dict[str, dict[str, str]]:
    """Place → what is told → the oddities that bring it."""
    found: dict[str, dict[str, str]] = {}
    meaning = judge(document)
    for place in places(document):
        told: dict[str, list[str]] = {}
        for oddity in ODDITIES:
            answer = judge(_replaced(document, place, oddity))
            if not answer.startswith("/"):
                answer = "as it was" if answer == meaning else f"understood {hashlib.sha256(answer.encode()).hexdigest()[:8]}"
            told.setdefault(answer, []).append(_named(oddity))
        found["/".join(str(step) for step in place)] = {answer: " ".join(names) for answer, names in told.items()}
    found["meaning"] = {meaning: "the example"}
    return found


@pytest.mark.parametrize("section", sorted(_sections()))
def test_refusals_are_what_they_were(section: str) -> None:
    """Each section by itself, so that what a change breaks is named."""
    now_refused = refusals(*_sections()[section])
    golden = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}
    if os.environ.get("REWRITE"):
        golden[section] = now_refused
        GOLDEN.write_text(json.dumps(golden, indent=0, sort_keys=True, ensure_ascii=True) + "\n")
    assert now_refused == golden[section]


@pytest.mark.parametrize(
    ("document", "pointer", "detail"),
    [
        ({"type": "percent_off", "percent": "101"}, "/effect/percent", "from 0 to 100"),
        ({"type": "bundle_price", "amount": 1, "size": 0}, "/effect/size", "From 1 to 1,000."),
        ({"type": "magic"}, "/effect/type", "percent_off, amount_off"),
        ({"type": "free_item", "sku": 3, "unit_price": 1}, "/effect/sku", "A text is expected."),
        ({"type": "compound", "effects": "x"}, "/effect/effects", "A list is expected."),
    ],
)
def test_a_refusal_says_what_would_be_understood(document: Any, pointer: str, detail: str) -> None:
    reader = Reader()
    read_effect(document, reader=reader)
    assert any(fault.pointer == pointer and detail in fault.detail for fault in reader.faults)


def _compound(depth: int) -> dict[str, Any]:
    """A percentage inside so many compounds."""
    return EFFECTS[0] if depth == 0 else {"type": "compound", "effects": [_compound(depth - 1)]}


SHIPPING = {"scope": "shipping", "units": {"max_per_order": 1}}
STEPS = [{"from": n, "effect": EFFECTS[0]} for n in range(21)]
LINE = {"id": "1", "sku": "a", "quantity": 1, "unit_price": 100}


@pytest.mark.parametrize(
    ("effect", "refusals"),
    [
        (_compound(2), []),
        (_compound(3), [["/effect/effects/0/effects/0/effects/0", "too-deep"]]),
        ({"type": "compound", "effects": [{"type": "stored_value", "available": 5}]}, [["/effect/effects/0/type", "not-inside"]]),
        ({"type": "compound", "effects": [{"type": "recorded"}]}, [["/effect/effects/0/type", "unknown-effect"]]),
        ({"type": "recorded", "target": {"scope": "x"}}, [["/effect/target/scope", "unknown-value"]]),
        ({"type": "recorded", "surprise": 1}, [["/effect/surprise", "unknown-field"]]),
        ({**EFFECTS[0], "target": SHIPPING}, [["/effect/target", "not-for-shipping"]]),
        (
            {"type": "bundle_price", "amount": 1, "size": 2, "target": {"scope": "shipping"}},
            [["/effect/target/scope", "not-for-shipping"]],
        ),
        ({"type": "tiers", "tiers": STEPS[:20]}, []),
        ({"type": "tiers", "tiers": STEPS}, [["/effect/tiers", "empty-list"], ["/effect/tiers", "too-many"]]),
        ({"type": "stored_value", "available": 5, "rate": 10**12 - 1}, []),
        ({"type": "stored_value", "available": 5, "rate": 10**12}, [["/effect/rate", "not-a-decimal"]]),
    ],
)
def test_what_only_the_whole_effect_shows(effect: Any, refusals: list[list[str]]) -> None:
    reader = Reader()
    read_effect(effect, reader=reader)
    assert sorted([fault.pointer, fault.code] for fault in reader.faults) == refusals


@pytest.mark.parametrize(
    ("change", "refusals"),
    [
        ({"groups": [{"key": "g"}, {"key": "g"}]}, "/groups/1/key repeated"),
        ({"basket": {"lines": [LINE, LINE]}}, "/basket/lines/1/id repeated"),
        ({"basket": {"lines": [{**LINE, "quantity": 10**6, "unit_price": 10**13}]}}, "/basket too-large"),
        ({"incentives": SMALL["incentives"] * 2}, "/incentives/1/key repeated"),
    ],
)
def test_what_only_the_whole_question_shows(change: Any, refusals: str) -> None:
    assert _simulated({**SMALL, **change}) == refusals


def test_names_and_places_are_read() -> None:
    [incentive] = SMALL["incentives"]
    asked = read_simulation({**SMALL, "incentives": [{**incentive, "name": "Ten", "limits": []}]}, now=NOW)
    assert (asked.candidates[0].name, asked.candidates[0].standing) == ("Ten", OPEN)
    assert read_promise({}, AWARDS, reader=Reader())[0] == NoEffect()
    reader = Reader()
    read_promise("x", "y", reader=reader)
    assert sorted(fault.pointer for fault in reader.faults) == ["/awards", "/effect"]
    reader = Reader()
    read_promise("x", "y", reader=reader, pointer="/here")
    assert sorted(fault.pointer for fault in reader.faults) == ["/here/awards", "/here/effect"]


def test_at_most_a_hundred_faults_are_told() -> None:
    reader = Reader()
    reader.texts([1] * 500, "/x")
    assert len(reader.faults) == 100
    with pytest.raises(Misunderstood):
        reader.finish()
    assert language.MOST_INCENTIVES == 1000
