"""What a manager might talk about: themes of pulses in which the own level answered lower. Never by person."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..models import Employee, SurveyKind, Wave, WaveState
from ..rules.questions import Kind
from ..rules.ready_made import BANK
from ._results import WHOLE, Place, answered, names_of, place_of_manager

WAVES = 6
BELOW = 3.75  # of five: higher is no reason to ask
MOST = 3
ASKED = frozenset({Kind.AGREEMENT.value, Kind.RATING.value})
THEMES: Mapping[str, object] = {
    "work": gettext_lazy("Work"),
    "people": gettext_lazy("People"),
    "meaning": gettext_lazy("Meaning"),
    "wellbeing": gettext_lazy("Well-being"),
}
_THEME_OF = {item.key: theme for theme, items in BANK.items() for item in items}


@dataclass(frozen=True, slots=True)
class TalkingPoint:
    """``where`` says whose answers they are: the team's, or of the nearest level above that is shown."""

    theme: str
    text: str
    mean: float
    where: str
    wave: Wave


def talking_points(manager: Employee, *, language: str) -> list[TalkingPoint]:
    """At most three, one of each theme, the lowest first; each question as it was asked last. Only figures that are published, of
    the level whose results the manager reads anyway.
    """
    lowest: dict[str, TalkingPoint] = {}
    seen: set[str] = set()
    waves = Wave.objects.filter(state=WaveState.PUBLISHED).exclude(survey__kind=SurveyKind.FEEDBACK).order_by("-opens_at")
    for wave in waves[:WAVES]:
        place = place_of_manager(wave, manager)
        for item in wave.questions if place else ():
            if item["kind"] not in ASKED or item["key"] in seen or place is None:
                continue
            seen.add(item["key"])
            mean = answered(wave, item, place, language=language)
            if mean.rating is None or mean.rating.mean is None or mean.rating.mean >= BELOW:
                continue
            key = item.get("theme") or _THEME_OF.get(item["key"], item["key"])
            point = TalkingPoint(str(THEMES.get(key, "")), mean.text, mean.rating.mean, _where(place), wave)
            if key not in lowest or point.mean < lowest[key].mean:
                lowest[key] = point
    return sorted(lowest.values(), key=lambda point: point.mean)[:MOST]


def _where(place: Place) -> str:
    if place == WHOLE:
        return _("everybody")
    return _("your team") if place.dimension == "manager" else names_of(place.dimension, [place.group])[0][1]
