"""The pattern language: what it says, what it refuses, and that neither engine reads it differently."""

import re

import pytest
from django.db import connection
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from customers.rules import patterns

PIECES = [
    "a",
    "b",
    "A",
    "1",
    "-",
    "_",
    ".",
    "ä",
    r"\d",
    r"\w",
    r"\s",
    r"\.",
    r"\-",
    "[ab]",
    "[^a]",
    "[a-c1-3]",
    r"[\d-]",
    r"[\w.]",
    "[]-]",
]
REPEATS = ["", "", "*", "+", "?", "{2}", "{1,2}", "{0,1}", "{2,}"]


def sequences(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    piece = st.tuples(st.one_of(st.sampled_from(PIECES), inner.map(lambda text: f"({text})")), st.sampled_from(REPEATS))
    sequence = st.lists(piece, min_size=1, max_size=4).map(lambda parts: "".join(a + b for a, b in parts))
    return st.lists(sequence, min_size=1, max_size=3).map("|".join)


PATTERNS = sequences(sequences(st.sampled_from(PIECES)))
TEXTS = st.text("aAbc123-_. \näz^[]\\", max_size=6)


def accepted(pattern: str) -> bool:
    try:
        patterns.canonical(pattern)
    except patterns.BadPattern:
        return False
    return True


class TestEngines(TestCase):
    @settings(max_examples=300, deadline=None)
    @given(PATTERNS.filter(accepted), st.lists(TEXTS, min_size=1, max_size=5))
    @example(r"[\w.]+", ["a.b", "a\n"])
    @example(".", ["\n", ""])
    def test_the_database_and_memory_agree(self, pattern: str, texts: list[str]) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                'SELECT array_agg(text COLLATE "C" ~ %s) FROM unnest(%s::text[]) text', [patterns.as_sql(pattern), texts]
            )
            assert cursor.fetchone()[0] == [patterns.fits(pattern, text) for text in texts]

    @settings(max_examples=300, deadline=None)
    @given(PATTERNS.filter(accepted), TEXTS)
    def test_it_means_what_a_regular_expression_means(self, pattern: str, text: str) -> None:
        assert patterns.fits(pattern, text) is bool(re.fullmatch(pattern, text, re.ASCII | re.DOTALL))


@pytest.mark.parametrize(
    "pattern",
    [
        "", "a" * 201, "(", ")", "a)", "(a", "()", "a||b", "|", "*a", "a**", "a*?", "a{2}{3}", "a{", "a{x}", "a{0}", "a{3,2}",
        "a{101}", "[", "[]", "[a", "[z-a]", "]", "}", "^a", "a$", r"(a)\1", "(?=a)", "(?i)a", "(?:a)", r"\b", r"\p{L}", "\\",
        "(" * 11 + "a" + ")" * 11, "((a{100}){100})", "\ud800",
    ],
)  # fmt: skip
def test_what_is_not_in_the_language_is_refused(pattern: str) -> None:
    with pytest.raises(patterns.BadPattern):
        patterns.canonical(pattern)


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a*)*b", "(a|a)*b", "(.*)(.*)(.*)(.*)b", "((a{1,9}){1,9}){1,9}b"])
def test_what_explodes_elsewhere_does_not_here(pattern: str) -> None:
    """Backtracking would take longer than the universe has for the first; an automaton reads the text once."""
    assert not patterns.fits(pattern, "a" * 100_000)


def test_half_a_character_fits_nothing() -> None:
    assert not patterns.fits(".*", "\ud800")
