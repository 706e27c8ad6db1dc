"""What may be shown of waves: everything that pages, exports, the API and the digest show comes through ``figure`` (R9).

It reads what was decided when the wave closed, and nothing else: there is no way from here to what is not published.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from incentives_site.shared.problems import NotFound

from ..models import Comment, Department, Employee, Invitation, Reward, Survey, Wave, WaveState
from ..rules import scores
from ..rules.publishing import ANSWERED, DIMENSIONS, EVERYBODY, OTHER, SUM
from ..rules.questions import Kind
from ..rules.scores import Change, Counts, Margin, Rating, Scale
from ..rules.uniformity import BANDS, names_of_classes, scale_of
from ..rules.visibility import COMMENTS_FROM, first_shown_above

SCORED = frozenset({Kind.ENPS.value, Kind.NPS.value})


class SurveyUnknown(NotFound):
    code = "survey-unknown"
    title = gettext_lazy("There is no such survey")


class WaveUnknown(NotFound):
    code = "wave-unknown"
    title = gettext_lazy("The survey has no such wave")


@dataclass(frozen=True, slots=True)
class Place:
    """Everybody, or a group of one dimension."""

    dimension: str = EVERYBODY
    group: str = EVERYBODY


WHOLE = Place()


def figure(wave: Wave, question: str, place: Place = WHOLE) -> Mapping[str, int] | None:
    """What may be shown of the question there; ``None``: not enough answers, whichever rule says so.

    The one way to any figure of a wave. ``*`` counts who answered at all. The others are how often each answer was given (by JSON
    text), or their ``sum``, and how many fell into each of three classes (``rules.publishing``).
    """
    if wave.state == WaveState.OPEN and wave.is_live and place == WHOLE:
        return wave.live.get("figures", {}).get(question) or None  # in steps of k people (``operations._live``)
    if wave.state != WaveState.PUBLISHED:
        return None
    found = wave.results.get("figures", {}).get(question, {}).get(place.dimension, {}).get(place.group)
    return found or None


def groups_shown(wave: Wave, dimension: str) -> list[str]:
    """Where nothing is shown by itself, all others together are everybody, which says nothing more."""
    shown = list(wave.results.get("shown", {}).get(dimension, [])) if wave.state == WaveState.PUBLISHED else []
    return [] if shown == [OTHER] else shown


def groups_hidden(wave: Wave) -> dict[str, dict[str, int]]:
    """dimension → how many groups there are, are shown, are shown only together with others, are not shown at all."""
    found = {}
    groups = wave.results.get("groups", {})
    for dimension in sorted(groups, key=DIMENSIONS.index):
        total, others = groups[dimension], others_shown(wave).get(dimension, {})
        by_themselves = len(set(wave.results["shown"].get(dimension, ())) - set(others))
        together = len({part for parts in others.values() for part in parts}) if groups_shown(wave, dimension) else 0
        found[dimension] = {
            "groups": total,
            "shown": by_themselves,
            "together": together,
            "hidden": max(total - by_themselves - together, 0),
        }
    return found


def participation(wave: Wave, place: Place = WHOLE) -> float | list[int] | None:
    """A percentage, a band (from, to), or ``None`` where it is not shown."""
    found: float | list[int] | None = wave.results.get("participation", {}).get(place.dimension, {}).get(place.group)
    return found


@dataclass(frozen=True, slots=True)
class Score:
    """A net score with its margin; ``change`` is from the published wave before on the same scale."""

    exact: Fraction
    margin: Margin
    change: Change | None = None
    counts: Counts | None = None  # only where the three classes may be shown

    @property
    def shown(self) -> int:
        return scores.rounded(self.exact)

    @property
    def low(self) -> int:
        """The interval is drawn towards the middle; it never leaves out the score itself, and is it where everybody answered."""
        return min(self.shown, scores.rounded(self.margin.low)) if self.margin.margin else self.shown

    @property
    def high(self) -> int:
        return max(self.shown, scores.rounded(self.margin.high)) if self.margin.margin else self.shown


@dataclass(frozen=True, slots=True)
class Answered:
    """What was answered to one question in one place: a score, a rating or shares; ``None`` throughout: not enough answers.

    ``distribution`` is empty where the answers are shown as a sum only; ``is_in_classes``: it has three classes.
    """

    key: str
    kind: str
    text: str
    answered: int | None
    score: Score | None = None
    rating: Rating | None = None
    is_in_classes: bool = False
    shares: Sequence[tuple[str, int]] = ()
    distribution: Sequence[tuple[str, int]] = ()

    @property
    def is_enough(self) -> bool:
        return self.answered is not None

    @property
    def lines(self) -> Sequence[tuple[str, int]]:
        """The distribution in words."""
        return [(str(CLASSES.get(label, label)), times) for label, times in self.distribution]

    @property
    def keyed(self) -> Sequence[tuple[str, int]]:
        """Times by answer as it is stored: numbers, keys of options, ``true`` and ``false``."""
        return self.shares or self.distribution

    @property
    def value(self) -> float | None:
        """One number for tables: the score, the mean, or the share that said yes."""
        if self.score is not None:
            return float(self.score.exact)
        if self.rating is not None:
            return self.rating.mean
        yes = dict(self.shares).get("true")
        return 100 * yes / self.answered if yes is not None and self.answered else None


def survey_by_public_id(public_id: str | uuid.UUID) -> Survey:
    """Raises ``SurveyUnknown``."""
    found = Survey.objects.filter(public_id=public_id).first()
    if found is None:
        raise SurveyUnknown
    return found


def wave_of(survey: Survey, number: str | int) -> Wave:
    """Raises ``WaveUnknown``."""
    text = str(number)
    is_number = text.isascii() and text.isdecimal() and len(text) < 9
    found = Wave.objects.filter(survey=survey, number=int(text) if is_number else 0).select_related("survey").first()
    if found is None:
        raise WaveUnknown
    return found


def published_waves(survey: Survey) -> QuerySet[Wave]:
    """From the newest."""
    return Wave.objects.filter(survey=survey, state=WaveState.PUBLISHED).order_by("-number")


def rewards_wait(survey: Survey) -> bool:
    """Whether closed waves owe something. Not how many: that would count those who took part where this is not shown."""
    closed = Wave.objects.filter(survey=survey, incentive__isnull=False, state=WaveState.PUBLISHED)
    return Invitation.objects.filter(wave__in=closed, is_used=True, reward=Reward.NONE).exists()


def wording(texts: Mapping[str, str], language: str) -> str:
    """In this language, else in English, else in any there is."""
    return texts.get(language) or texts.get("en") or next(iter(texts.values()), "")


def answered(
    wave: Wave, item: Mapping[str, Any], place: Place = WHOLE, *, language: str = "en", before: Wave | None = None
) -> Answered:
    """What one question (as the wave froze it) brought in one place."""
    text = wording(item.get("texts") or {}, language) or str(item["key"])
    histogram = figure(wave, item["key"], place)
    if histogram is None:
        return Answered(item["key"], item["kind"], text, None)
    total = histogram[ANSWERED]
    scale = scale_of(item)
    if scale is not None:
        said = _distribution(histogram, item, scale)
        score = _score(wave, item, histogram, place, before) if item["kind"] in SCORED else None
        rating = None if score else Rating(total, _sum(histogram) / total, tuple(times for _label, times in said))
        in_classes = set(names_of_classes(item)) <= set(histogram)
        return Answered(item["key"], item["kind"], text, total, score, rating, in_classes, distribution=said)
    times = {json.loads(value): count for value, count in histogram.items() if value != ANSWERED}
    words = {option["key"]: wording(option.get("texts") or {}, language) for option in item.get("options") or ()}
    words |= {True: _("Yes"), False: _("No")}
    shares = sorted(times.items(), key=lambda share: (-share[1], str(share[0])))
    return Answered(
        item["key"],
        item["kind"],
        text,
        total,
        shares=[(json.dumps(key) if isinstance(key, bool) else str(key), count) for key, count in shares],
        distribution=[(str(words.get(key, key)), count) for key, count in shares],
    )


def _distribution(histogram: Mapping[str, int], item: Mapping[str, Any], scale: Scale) -> list[tuple[str, int]]:
    """By answer, by class, or empty, as it may be shown."""
    classes = names_of_classes(item)
    if set(classes) <= set(histogram):
        return [(name, histogram[name]) for name in classes]
    if SUM in histogram:
        return []
    return [(str(n), histogram.get(str(n), 0)) for n in range(scale.low, scale.high + 1)]


def _sum(histogram: Mapping[str, int]) -> int:
    """Of answers on a scale."""
    return (
        histogram[SUM] if SUM in histogram else sum(json.loads(value) * n for value, n in histogram.items() if value != ANSWERED)
    )


def _score(wave: Wave, item: Mapping[str, Any], histogram: Mapping[str, int], place: Place, before: Wave | None) -> Score | None:
    counts = _counts(histogram)
    # How many were invited is known of the whole; of a group it is not shown, so its margin is the wider one.
    margin = scores.margin(counts, everybody=wave.invited if place == WHOLE else None)
    if margin is None or counts.exact is None:
        return None
    earlier = _counts_before(before, item, place)
    change = scores.change(earlier, counts) if earlier else None
    has_classes = SUM not in histogram or set(BANDS) <= set(histogram)
    return Score(counts.exact, margin, change, counts if has_classes else None)


def _counts(histogram: Mapping[str, int]) -> Counts:
    """Where the score alone is shown, the counts with that score that vary most: their margin is the widest."""
    if set(BANDS) <= set(histogram):
        return Counts(**{band: histogram[band] for band in BANDS})
    if SUM in histogram:
        return scores.widest(histogram[ANSWERED], histogram[SUM])
    return scores.of_histogram({json.loads(value): count for value, count in histogram.items() if value != ANSWERED})


def _counts_before(before: Wave | None, item: Mapping[str, Any], place: Place) -> Counts | None:
    if before is None:
        return None
    then = next((other for other in before.questions if other["key"] == item["key"]), None)
    if then is None or scale_of(then) != scale_of(item):
        return None  # two scales are never joined
    histogram = figure(before, item["key"], place)
    return None if histogram is None else _counts(histogram)


@dataclass(frozen=True, slots=True)
class Point:
    """One wave of a trend; ``is_break``: on another scale than the one before."""

    wave: Wave
    score: Score | None
    is_break: bool


def trend(survey: Survey, key: str, place: Place = WHOLE, *, most: int = 24) -> list[Point]:
    """The score of a question over the published waves, the oldest first."""
    waves = list(published_waves(survey)[:most])[::-1]
    points: list[Point] = []
    last: tuple[Wave, Mapping[str, Any]] | None = None
    for wave in waves:
        item = next((item for item in wave.questions if item["key"] == key), None)
        if item is None:
            continue
        is_break = last is not None and scale_of(last[1]) != scale_of(item)
        found = answered(wave, item, place, before=None if is_break or last is None else last[0])
        points.append(Point(wave, found.score, is_break))
        last = (wave, item)
    return points


def heat_map(
    wave: Wave, dimension: str, *, language: str = "en", page: int = 1, size: int = 50
) -> list[tuple[str, list[Answered]]]:
    """Each shown group of a dimension with every question that is not a text; named as people know them."""
    asked = [item for item in wave.questions if item["kind"] != Kind.TEXT]
    names = names_shown(wave, dimension)[(page - 1) * size : page * size]
    rows = [(name, [answered(wave, item, Place(dimension, key), language=language) for item in asked]) for key, name in names]
    return [row for row in rows if any(cell.is_enough for cell in row[1])]


def names_shown(wave: Wave, dimension: str) -> list[tuple[str, str]]:
    """``(key, name)`` of the groups that are shown, as people look for them; those that are shown together only come last."""
    keys = groups_shown(wave, dimension)
    others: Mapping[str, list[str]] = wave.results.get("others", {}).get(dimension, {}) if keys else {}
    names = dict(names_of(dimension, sorted({*keys, *(part for parts in others.values() for part in parts)} - set(others))))
    shown = set(keys)
    found = [(key, name) for key, name in names.items() if key in shown]
    for key in sorted(set(others) & set(keys)):
        above = key.partition("/")[2]
        said = {"names": ", ".join(sorted(names[part] for part in others[key])), "above": names.get(above, above)}
        found.append((key, _("Others in %(above)s: %(names)s") % said if above else _("Others: %(names)s") % said))
    return found


def others_shown(wave: Wave) -> Mapping[str, Mapping[str, list[str]]]:
    """dimension → group → the groups it is made of (R7)."""
    return wave.results.get("others", {}) if wave.state == WaveState.PUBLISHED else {}


def names_of(dimension: str, keys: Sequence[str]) -> list[tuple[str, str]]:
    """``(key, name)``, sorted as people look for them."""
    if dimension == "department":
        rows = Department.objects.filter(key__in=keys).values_list("key", "name", "path")
        found = {key: (path, name) for key, name, path in rows}
        ordered = sorted((*found.get(key, ([key], key)), key) for key in keys)
        return [(key, name) for _path, name, key in ordered]
    if dimension == "manager":
        people = dict(Employee.objects.filter(key__in=keys).values_list("key", "name"))
        return sorted(((key, people.get(key, key)) for key in keys), key=lambda pair: pair[1])
    if dimension == "tenure":
        return [(key, str(words)) for key, words in TENURES.items() if key in keys]
    return sorted((key, key) for key in keys)


CLASSES = {
    "promoters": gettext_lazy("Promoters (9–10)"),
    "passives": gettext_lazy("Passives (7–8)"),
    "detractors": gettext_lazy("Detractors (to 6)"),
    "low": gettext_lazy("Low (1–2)"),
    "middle": gettext_lazy("Middle (3)"),
    "high": gettext_lazy("High (4–5)"),
}
TENURES = {
    "under-1": gettext_lazy("Under one year"),
    "1-to-3": gettext_lazy("1 to 3 years"),
    "3-to-5": gettext_lazy("3 to 5 years"),
    "5-to-10": gettext_lazy("5 to 10 years"),
    "over-10": gettext_lazy("Over 10 years"),
}


@dataclass(frozen=True, slots=True)
class Driver:
    """How far a question goes with the score: Pearson's r over those who answered both."""

    key: str
    text: str
    r: float


def drivers(wave: Wave, *, language: str = "en") -> list[Driver]:
    """Questions on a scale by how far they go with the net score, the strongest first; decided at the close."""
    if wave.state != WaveState.PUBLISHED:
        return []
    texts = {item["key"]: wording(item.get("texts") or {}, language) for item in wave.questions}
    found = [Driver(key, texts.get(key, key), r) for key, r in wave.results.get("drivers", {}).items()]
    return sorted(found, key=lambda driver: -abs(driver.r))


def comments(wave: Wave, *, question: str = "", department: str = "") -> QuerySet[Comment]:
    """What was written to questions that ten people answered, in no order; by question or by department, never by both (R2)."""
    if wave.state != WaveState.PUBLISHED:
        return Comment.objects.none()
    found = Comment.objects.filter(wave=wave, question__in=_commented(wave)).order_by("id")
    if question:
        return found.filter(question=question)
    return found.filter(department=department) if department else found


def _commented(wave: Wave) -> list[str]:
    """Of waves that were published before this was written down, the questions whose figures say that ten answered."""
    figures = wave.results.get("figures", {})
    answered = {key: (figures.get(key, {}).get(EVERYBODY, {}).get(EVERYBODY) or {}).get(ANSWERED, 0) for key in figures}
    enough = [key for key, count in answered.items() if count >= max(COMMENTS_FROM, wave.k)]
    return list(wave.results.get("commented", enough))


def place_of_manager(wave: Wave, employee: Employee) -> Place | None:
    """Whose figures a manager sees: the own team's, else those of the nearest department above that are shown (R7)."""
    if employee.key in groups_shown(wave, "manager"):
        return Place("manager", employee.key)
    above = first_shown_above(list(reversed(employee.department.path)), groups_shown(wave, "department"))
    return Place("department", above) if above else (WHOLE if wave.results.get("answered") else None)
