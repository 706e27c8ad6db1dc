"""eNPS, ratings, margins, changes, participation: from integer counts, rounded only to be shown (``docs/surveys.md``, Scores)."""

import datetime
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

# Two-sided normal quantiles.
Z = {90: 1.645, 95: 1.960, 99: 2.576}
LEAST_FOR_A_CHANGE = 30  # answers in both rounds
LEAST_FOR_DRIVERS = 50
PROMOTERS_FROM, PASSIVES_FROM = 9, 7


@dataclass(frozen=True, slots=True)
class Scale:
    """Whole numbers from ``low`` to ``high``."""

    low: int
    high: int

    def counts(self, value: object) -> bool:
        """Whether ``value`` is an answer on this scale: a skip, a text, 0 on 1–10 are none."""
        return isinstance(value, int) and not isinstance(value, bool) and self.low <= value <= self.high


ENPS_SCALES = {"0-10": Scale(0, 10), "1-10": Scale(1, 10)}


@dataclass(frozen=True, slots=True)
class Counts:
    """Answers to "how likely are you to recommend": 9–10 promote, 7–8 are passive, below detract, on either scale."""

    promoters: int = 0
    passives: int = 0
    detractors: int = 0

    @property
    def answered(self) -> int:
        return self.promoters + self.passives + self.detractors

    @property
    def index(self) -> float | None:
        """100 × (promoters − detractors) ÷ answers, from −100 to 100; ``None`` without answers, never 0."""
        exact = self.exact
        return None if exact is None else float(exact)

    @property
    def exact(self) -> Fraction | None:
        n = self.answered
        return index_of_shares(Fraction(self.promoters, n), Fraction(self.detractors, n)) if n else None

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.promoters + other.promoters, self.passives + other.passives, self.detractors + other.detractors)


def count(answers: Iterable[object], scale: Scale) -> Counts:
    """Counts of what is an answer on the scale; everything else is none."""
    found: Counter[str] = Counter()
    for value in answers:
        if scale.counts(value):
            found[band(value)] += 1  # type: ignore[arg-type]
    return Counts(found["promoters"], found["passives"], found["detractors"])


def band(score: int) -> str:
    return "promoters" if score >= PROMOTERS_FROM else "passives" if score >= PASSIVES_FROM else "detractors"


def widest(answered: int, net: int) -> Counts:
    """The counts with this sum of promoters less detractors that vary most: as few passives as can be."""
    passives = (answered - net) % 2
    return Counts((answered - passives + net) // 2, passives, (answered - passives - net) // 2)


def of_histogram(histogram: Mapping[int, int]) -> Counts:
    """Counts of how often each score was given."""
    found: Counter[str] = Counter()
    for score, times in histogram.items():
        found[band(score)] += times
    return Counts(found["promoters"], found["passives"], found["detractors"])


def index_of_shares(promoters: Fraction, detractors: Fraction) -> Fraction:
    """The index, of shares of the answers from 0 to 1."""
    return 100 * (promoters - detractors)


def variance_of_one_answer(promoters: Fraction | float, detractors: Fraction | float) -> float:
    """``p + d − (p − d)²``: each answer is worth 1, 0 or −1."""
    return float(promoters + detractors - (promoters - detractors) ** 2)


def rounded(value: float | Fraction) -> int:
    """For display: half away from zero, so that −16.5 is −17."""
    exact = Fraction(value).limit_denominator(10**9) if isinstance(value, float) else value
    whole = math.floor(abs(exact) + Fraction(1, 2))
    return whole if exact >= 0 else -whole


@dataclass(frozen=True, slots=True)
class Margin:
    """An interval around ``centre``; ``low`` and ``high`` lie within ±100."""

    centre: float
    margin: float
    low: float
    high: float


def standard_error(counts: Counts, *, everybody: int | None = None) -> float | None:
    """Of the index, in points. With ``everybody`` invited known: times √((M − N)/(M − 1)), as nobody is left to be asked."""
    n = counts.answered
    if not n:
        return None
    p, d = counts.promoters / n, counts.detractors / n
    return 100 * math.sqrt(variance_of_one_answer(p, d) / n) * _correction(n, everybody)


def _correction(answered: int, everybody: int | None) -> float:
    if everybody is None or everybody <= 1:
        return 1.0
    return math.sqrt(max(everybody - answered, 0) / (everybody - 1))


def margin(counts: Counts, *, confidence: int = 95, everybody: int | None = None) -> Margin | None:
    """The adjusted-Wald interval (three more answers, spread as ¾, 1½, ¾), cut to ±100; ``None`` without answers.

    It does not promise certainty where everybody agrees: five promoters of five are 17 to 100. Formula: Agresti & Coull's idea
    for differences of two shares of one sample.
    """
    n = counts.answered
    if not n:
        return None
    more = n + 3
    p, d = (counts.promoters + 0.75) / more, (counts.detractors + 0.75) / more
    centre = 100 * (p - d)
    half = Z[confidence] * 100 * math.sqrt(variance_of_one_answer(p, d) / more) * _correction(n, everybody)
    return Margin(centre, half, max(centre - half, -100.0), min(centre + half, 100.0))


@dataclass(frozen=True, slots=True)
class Change:
    """From one round to another: ``z`` of the difference, and the highest confidence at which it is real (``None``: at none)."""

    difference: float
    z: float | None
    significant_at: int | None
    is_enough: bool

    @property
    def direction(self) -> int:
        """1 or −1 where an arrow is drawn: real at 95 % and both rounds of 30 answers; else 0, "no clear change"."""
        if not self.is_enough or self.significant_at is None or self.significant_at < 95:
            return 0
        return 1 if self.difference > 0 else -1


def change(first: Counts, second: Counts) -> Change | None:
    """Of two rounds answered independently: ``(S₁ − S₂)/√(SE₁² + SE₂²)``; ``None`` when one has no answers."""
    one, other = standard_error(first), standard_error(second)
    if one is None or other is None or first.index is None or second.index is None:
        return None
    error = math.hypot(one, other)
    z = (first.index - second.index) / error if error else None
    apart = first.index != second.index
    levels = [level for level, quantile in Z.items() if (abs(z) > quantile if z is not None else apart)]
    enough = min(first.answered, second.answered) >= LEAST_FOR_A_CHANGE
    return Change(second.index - first.index, z, max(levels, default=None), enough)


def latest_of_each(
    answers: Iterable[tuple[str, datetime.date, int]], *, today: datetime.date, window_days: int = 90
) -> list[int]:
    """One score for each person: the latest that is at most ``window_days`` old."""
    latest: dict[str, tuple[datetime.date, int]] = {}
    for person, on, score in answers:
        if 0 <= (today - on).days <= window_days and (person not in latest or on >= latest[person][0]):
            latest[person] = (on, score)
    return [score for _on, score in latest.values()]


@dataclass(frozen=True, slots=True)
class Rating:
    answered: int
    mean: float | None
    distribution: tuple[int, ...]


def rating(answers: Iterable[object], scale: Scale) -> Rating:
    """Mean and distribution of what lies on the scale; everything else is no answer."""
    found: Counter[int] = Counter(value for value in answers if scale.counts(value))  # type: ignore[misc]
    return rating_of(found, scale)


def rating_of(histogram: Mapping[int, int], scale: Scale) -> Rating:
    answered = sum(histogram.values())
    mean = sum(value * times for value, times in histogram.items()) / answered if answered else None
    return Rating(answered, mean, tuple(histogram.get(value, 0) for value in range(scale.low, scale.high + 1)))


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean, and the interval around it within the scale (95 %); ``low`` and ``high`` are ``None`` for a single answer."""

    answered: int
    value: float
    low: float | None
    high: float | None


def mean(answers: Iterable[object], scale: Scale) -> Mean | None:
    """Of what lies on the scale. One more answer at each end of the scale is counted for the width, as in ``margin``: a few who
    agree promise no certainty.
    """
    found: list[int] = [value for value in answers if scale.counts(value)]  # type: ignore[misc]
    if not found:
        return None
    value = sum(found) / len(found)
    if len(found) == 1:
        return Mean(1, value, None, None)
    more = [*found, scale.low, scale.high]
    middle = sum(more) / len(more)
    spread = sum((one - middle) ** 2 for one in more) / (len(more) - 1)
    half = Z[95] * math.sqrt(spread / len(more))
    return Mean(len(found), value, max(value - half, float(scale.low)), min(value + half, float(scale.high)))


@dataclass(frozen=True, slots=True)
class Participation:
    """``invited`` is everybody who was active when the round began, whatever became of them during it."""

    invited: int
    submitted: int

    @property
    def percent(self) -> float | None:
        return 100 * self.submitted / self.invited if self.invited else None


BANDS = ((0, 25), (25, 50), (50, 75), (75, 100))
EXACT_FROM, SHOWN_FROM = 10, 5


def participation_shown(seen: Participation, k: int = 0) -> tuple[int, int] | float | None:
    """What a group's participation may be shown as: a percentage, a band (from, to) under 10 people, nothing under 5 or ``k``."""
    percent = seen.percent
    if percent is None or seen.invited < max(SHOWN_FROM, k):
        return None
    if seen.invited >= EXACT_FROM:
        return percent
    return next(found for found in BANDS if percent <= found[1])


def correlation(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Pearson's r, for which question goes with the score; ``None`` under 50 pairs or where one side never varies."""
    n = len(pairs)
    if n < LEAST_FOR_DRIVERS:
        return None
    mean_x, mean_y = (sum(pair[side] for pair in pairs) / n for side in (0, 1))
    xy = sum((x - mean_x) * (y - mean_y) for x, y in pairs)
    xx, yy = sum((x - mean_x) ** 2 for x, _y in pairs), sum((y - mean_y) ** 2 for _x, y in pairs)
    return xy / math.sqrt(xx * yy) if xx and yy else None
