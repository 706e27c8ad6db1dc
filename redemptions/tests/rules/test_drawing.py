"""A draw is repeatable by the lines of the document, fair, and never draws anybody twice."""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from redemptions.rules.drawing import commitment_to, digest_of, drawn

DOCUMENT = Path(__file__).parents[3] / "docs" / "ledger.md"
entries = st.dictionaries(st.text("abcdef0123456789-", min_size=1, max_size=8), st.integers(1, 9), max_size=12)


def lines_of_the_document() -> Callable[..., list[str]]:
    found = re.search(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert found
    names: dict[str, Any] = {}
    exec(found[1], names)  # noqa: S102  # what readers are told to run
    draw: Callable[..., list[str]] = names["draw"]
    return draw


DRAW = lines_of_the_document()


@given(st.text(max_size=20).filter(lambda text: text.isprintable()), entries, st.integers(1, 15))
def test_the_lines_of_the_document_draw_the_same(seed: str, who: dict[str, int], winners: int) -> None:
    found = drawn(seed, who, winners)
    assert found == DRAW(seed, who, winners) == drawn(seed, dict(reversed(list(who.items()))), winners)
    assert len(found) == len(set(found)) == min(winners, len(who))
    assert set(found) <= set(who)


def test_a_draw_stays_what_it_is() -> None:
    who = {"ann": 3, "bob": 1, "cid": 2}
    assert drawn("seed", who, 3) == DRAW("seed", who, 3)
    assert len(digest_of(who)) == len(commitment_to("seed")) == 64
    assert drawn("seed", {}, 3) == []


def test_every_entry_is_as_likely() -> None:
    first = Counter(drawn(f"seed {n}", {"ann": 3, "bob": 1, "cid": 2}, 1)[0] for n in range(6_000))
    assert abs(first["ann"] - 3_000) < 200
    assert abs(first["cid"] - 2_000) < 200
    assert abs(first["bob"] - 1_000) < 200
