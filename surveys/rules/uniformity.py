"""In which form a figure may be shown, so that no group is so much alike that the figure says what each of it answered
(``docs/anonymity.md``, Theorem 4).

Everything that is shown is a function of the answers of whole cells, so two people of one cell can change their answers with each
other and nothing that is shown changes. While two people of a cell answered unlike the others, each of them could have given
either answer.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .questions import SCALES, Kind
from .scores import ENPS_SCALES, PASSIVES_FROM, PROMOTERS_FROM, Scale, of_histogram

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
UNLIKE = 2  # so many of a cell must have answered otherwise than most of it did
WHOLE_FROM = 3  # times k people: from there the whole distribution is shown, and one of three classes may be empty
SCORED = (Kind.ENPS, Kind.NPS)
BANDS = ("detractors", "passives", "promoters")
THIRDS = ("low", "middle", "high")


class Form(StrEnum):
    """How much is shown of a question in a group, from least to most. ``SUM`` is the net score or the mean, with its margin."""

    SUM = "sum"
    CLASSES = "classes"
    WHOLE = "whole"


def scale_of(question: Mapping[str, Any]) -> Scale | None:
    """The scale of a question as a wave froze it; ``None`` where it has none."""
    kind = Kind(question["kind"])
    return ENPS_SCALES.get(question.get("scale") or "0-10") if kind == Kind.ENPS else SCALES.get(kind)


def names_of_classes(question: Mapping[str, Any]) -> tuple[str, ...]:
    """The three classes of a scale: of a net score its bands, else low, middle and high; empty where there is no scale."""
    if Kind(question["kind"]) in SCORED:
        return BANDS
    return THIRDS if scale_of(question) else ()


def class_of(question: Mapping[str, Any], value: int) -> int:
    """The number of the class of an answer on a scale."""
    if Kind(question["kind"]) in SCORED:
        return 2 if value >= PROMOTERS_FROM else 1 if value >= PASSIVES_FROM else 0
    scale = scale_of(question)
    if scale is None:
        raise ValueError(question["kind"])
    middle = (scale.low + scale.high) / 2
    return 1 if value == middle else 2 if value > middle else 0


def bad_for(form: Form, question: Mapping[str, Any], times: Ints, answered: Ints, people: Ints, k: int) -> Flags:
    """For each cell whether the form would say too much of it.

    ``times`` has a row for each cell and a column for each value (of a scale from its lowest); ``answered`` and ``people`` are
    how many answered the question and the survey. Of a question that is asked only after another's answer, having been
    asked is an answer as well.
    """
    few: Flags = answered < k
    if question.get("branch"):
        few |= people - answered < UNLIKE
    if scale_of(question) is None:
        return np.asarray(few | _alike(times, answered))
    classes = _in_classes(question, times)
    alike = _alike(classes if Kind(question["kind"]) in SCORED else times, answered)
    if form == Form.SUM:
        return np.asarray(few | alike)
    is_large = answered >= WHOLE_FROM * k
    if form == Form.CLASSES:
        return np.asarray(few | alike | _alike(classes, answered) | (~is_large & (classes == 0).any(axis=1)))
    return np.asarray(few | alike | ~is_large)


def are_alike(given: Sequence[int]) -> bool:
    """Whether (nearly) all of these net scores are of one class."""
    counts = of_histogram(Counter(given))
    return len(given) - max(counts.promoters, counts.passives, counts.detractors) < UNLIKE


def _in_classes(question: Mapping[str, Any], times: Ints) -> Ints:
    scale = scale_of(question)
    low = scale.low if scale else 0
    found = np.zeros((len(times), 3), dtype=np.int64)
    for column in range(times.shape[1]):
        found[:, class_of(question, low + column)] += times[:, column]
    return found


def _alike(times: Ints, answered: Ints) -> Flags:
    return np.asarray(answered - times.max(axis=1, initial=0) < UNLIKE)
