"""What a survey may ask, what an answer is, which question comes next, which questions come round (``docs/surveys.md``)."""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from customers.rules.faults import Fault

from .scores import ENPS_SCALES, Scale

MOST_QUESTIONS = 10  # of a pulse survey
MOST_OPTIONS = 20
LONGEST_COMMENT = 5_000
LONGEST_TEXT = 500
SKIPPED = None


class Kind(enum.StrEnum):
    ENPS = "enps"
    NPS = "nps"
    AGREEMENT = "agreement"  # 1–5
    RATING = "rating"  # 1–5 stars
    CSAT = "csat"
    SINGLE = "single"
    MULTIPLE = "multiple"
    YES_NO = "yes_no"
    TEXT = "text"


SCALES: Mapping[Kind, Scale] = {
    Kind.AGREEMENT: Scale(1, 5),
    Kind.RATING: Scale(1, 5),
    Kind.CSAT: Scale(1, 5),
    Kind.NPS: Scale(0, 10),
}
CHOICES = frozenset({Kind.SINGLE, Kind.MULTIPLE})


@dataclass(frozen=True, slots=True)
class Branch:
    """Asked only when the question ``key`` was answered with one of ``values``."""

    key: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """``options`` are keys; words stand in the translations. A ``branch`` looks back one level, never further."""

    key: str
    kind: Kind
    is_required: bool = False
    has_comment: bool = False
    options: tuple[str, ...] = ()
    scale: str = "0-10"
    branch: Branch | None = None

    @property
    def range(self) -> Scale | None:
        return ENPS_SCALES[self.scale] if self.kind is Kind.ENPS else SCALES.get(self.kind)


@dataclass(frozen=True, slots=True)
class Answered:
    """``values`` by question (absent: skipped), ``comments`` by question."""

    values: Mapping[str, Any] = field(default_factory=dict)
    comments: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()


def faults_of(questions: Sequence[Question]) -> list[Fault]:
    """Why a survey cannot be launched; English, with pointers."""
    faults = []
    if not questions:
        faults.append(Fault("/questions", "no-questions", "A survey asks something."))
    if len(questions) > MOST_QUESTIONS:
        faults.append(Fault("/questions", "too-many-questions", f"A survey has at most {MOST_QUESTIONS} questions."))
    seen: dict[str, Question] = {}
    for number, question in enumerate(questions):
        here = f"/questions/{number}"
        if question.key in seen:
            faults.append(Fault(f"{here}/key", "repeated", "This key stands here twice."))
        if question.kind in CHOICES and not 2 <= len(set(question.options)) <= MOST_OPTIONS:
            faults.append(Fault(f"{here}/options", "options", f"2 to {MOST_OPTIONS} different options are needed."))
        if question.kind is Kind.ENPS and question.scale not in ENPS_SCALES:
            faults.append(Fault(f"{here}/scale", "unknown-scale", "One of: " + ", ".join(ENPS_SCALES) + "."))
        if question.branch is not None:
            asked = seen.get(question.branch.key)
            if asked is None:
                faults.append(Fault(f"{here}/branch", "unknown-question", "It can only follow a question that stands before it."))
            elif asked.branch is not None:
                faults.append(Fault(f"{here}/branch", "too-deep", "A question that follows another cannot be followed again."))
        seen[question.key] = question
    return faults


def is_asked(question: Question, values: Mapping[str, Any]) -> bool:
    """Whether this question is asked of somebody who answered so far with ``values``."""
    if question.branch is None:
        return True
    given = values.get(question.branch.key)
    return any(item in question.branch.values for item in given) if isinstance(given, list) else given in question.branch.values


def read_answers(questions: Sequence[Question], raw: Mapping[str, Any], comments: Mapping[str, Any]) -> Answered:
    """What somebody answered: values as the kinds have them; what is not asked is dropped, what cannot be is a fault.

    A comment too long is refused, never cut: what somebody wrote is not lost.
    """
    values: dict[str, Any] = {}
    said: dict[str, str] = {}
    faults: list[Fault] = []
    for question in questions:
        if not is_asked(question, values):
            continue
        pointer = f"/{question.key}"
        value = raw.get(question.key)
        if value is None or value == "" or value == []:
            if question.is_required:
                faults.append(Fault(pointer, "required", "Please answer this question."))
        else:
            try:
                values[question.key] = _value(question, value)
            except ValueError as error:
                faults.append(Fault(pointer, "not-an-answer", str(error)))
        comment = comments.get(question.key)
        if question.has_comment and isinstance(comment, str) and comment.strip():
            if len(comment) > LONGEST_COMMENT:
                faults.append(Fault(f"{pointer}/comment", "too-long", f"At most {LONGEST_COMMENT:,} characters."))
            else:
                said[question.key] = _clean(comment)
    return Answered(values, said, tuple(faults))


def _value(question: Question, value: Any) -> Any:
    scale = question.range
    if scale is not None:
        number = int(value) if isinstance(value, str) and value.strip().lstrip("-").isdecimal() else value
        if not scale.counts(number):
            raise ValueError(f"A whole number from {scale.low} to {scale.high}.")
        return number
    if question.kind is Kind.YES_NO:
        if value not in (True, False, "yes", "no"):
            raise ValueError("Yes or no.")
        return value if isinstance(value, bool) else value == "yes"
    if question.kind is Kind.SINGLE:
        if value not in question.options:
            raise ValueError("One of the options.")
        return value
    if question.kind is Kind.MULTIPLE:
        chosen = value if isinstance(value, list) else [value]
        if any(item not in question.options for item in chosen):
            raise ValueError("Some of the options.")
        return [option for option in question.options if option in chosen]
    if not isinstance(value, str) or len(value) > LONGEST_COMMENT:
        raise ValueError(f"A text of at most {LONGEST_COMMENT:,} characters.")
    return _clean(value)


def _clean(text: str) -> str:
    return "".join(c for c in text if c != "\x00" and not "\ud800" <= c <= "\udfff").strip()


def rotate(bank: Sequence[str], seen: Mapping[str, int], count: int) -> list[str]:
    """Which ``count`` questions of a bank come next for somebody: those seen least often, in the bank's order.

    So everybody sees each once before any comes again.
    """
    return sorted(bank, key=lambda key: (seen.get(key, 0), bank.index(key)))[:count]
