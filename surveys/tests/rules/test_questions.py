"""What may be asked, what an answer is, what comes next."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveys.rules.questions import (
    LONGEST_COMMENT,
    Branch,
    Kind,
    Question,
    faults_of,
    is_asked,
    read_answers,
    rotate,
)

SCORE = Question("score", Kind.ENPS, is_required=True, has_comment=True)
OLD = Question("old", Kind.ENPS, scale="1-10")
WHY = Question("why", Kind.TEXT, branch=Branch("score", tuple(range(7))))
MOOD = Question("mood", Kind.SINGLE, options=("good", "bad"))
MANY = Question("many", Kind.MULTIPLE, options=("a", "b", "c"))


@pytest.mark.parametrize(
    ("questions", "codes"),
    [
        ([SCORE, WHY], []),
        ([], ["no-questions"]),
        ([Question(str(n), Kind.TEXT) for n in range(10)], []),
        ([Question(str(n), Kind.TEXT) for n in range(11)], ["too-many-questions"]),
        ([SCORE, SCORE], ["repeated"]),
        ([Question("x", Kind.SINGLE, options=("a",))], ["options"]),
        ([Question("x", Kind.SINGLE, options=("a", "a"))], ["options"]),
        ([Question("x", Kind.ENPS, scale="0-5")], ["unknown-scale"]),
        ([WHY, SCORE], ["unknown-question"]),
        ([SCORE, WHY, Question("deep", Kind.TEXT, branch=Branch("why", ("x",)))], ["too-deep"]),
    ],
)
def test_what_cannot_be_launched(questions: list[Question], codes: list[str]) -> None:
    assert [fault.code for fault in faults_of(questions)] == codes


@pytest.mark.parametrize(
    ("question", "value", "read"),
    [
        (SCORE, "0", 0),
        (SCORE, 10, 10),
        (OLD, "1", 1),
        (Question("q", Kind.YES_NO), "yes", True),
        (Question("q", Kind.YES_NO), "no", False),
        (MOOD, "good", "good"),
        (MANY, ["c", "a"], ["a", "c"]),
        (MANY, "b", ["b"]),
        (Question("q", Kind.TEXT), "  a <b>\x00 ", "a <b>"),
        (Question("q", Kind.AGREEMENT), "5", 5),
    ],
)
def test_what_an_answer_is(question: Question, value: Any, read: Any) -> None:
    answered = read_answers([question], {question.key: value}, {})
    assert (answered.values, answered.faults) == ({question.key: read}, ())


@pytest.mark.parametrize(
    ("question", "value"),
    [
        (OLD, 0),
        (OLD, "0"),
        (SCORE, 11),
        (SCORE, -1),
        (SCORE, "many"),
        (SCORE, True),
        (SCORE, 7.5),
        (Question("q", Kind.RATING), 6),
        (Question("q", Kind.YES_NO), "maybe"),
        (MOOD, "fine"),
        (MANY, ["a", "z"]),
        (Question("q", Kind.TEXT), "x" * (LONGEST_COMMENT + 1)),
    ],
)
def test_what_is_no_answer(question: Question, value: Any) -> None:
    answered = read_answers([question], {question.key: value}, {})
    assert ([fault.code for fault in answered.faults], answered.values) == (["not-an-answer"], {})


def test_a_comment_is_refused_when_too_long_and_never_cut() -> None:
    answered = read_answers([SCORE], {"score": 3}, {"score": "x" * 100_000})
    assert [(fault.pointer, fault.code) for fault in answered.faults] == [("/score/comment", "too-long")]


def test_only_what_is_asked_is_read() -> None:
    answered = read_answers([SCORE, WHY], {"score": 9, "why": "because", "other": 1}, {"why": "x"})
    assert (answered.values, answered.comments) == ({"score": 9}, {})
    assert [is_asked(WHY, {"score": score}) for score in (9, 2)] == [False, True]


def test_what_is_required_has_to_be_answered() -> None:
    assert [fault.code for fault in read_answers([SCORE], {}, {}).faults] == ["required"]
    assert read_answers([MOOD], {}, {}).faults == ()


@given(bank=st.integers(1, 60), per_survey=st.integers(1, 10))
def test_everybody_sees_each_question_once_before_any_comes_again(bank: int, per_survey: int) -> None:
    keys, seen = [str(n) for n in range(bank)], dict[str, int]()
    for _n in range(3 * -(-bank // per_survey)):
        for key in rotate(keys, seen, per_survey):
            seen[key] = seen.get(key, 0) + 1
        times = [seen.get(key, 0) for key in keys]
        assert max(times) - min(times) <= 1
