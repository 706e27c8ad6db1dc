"""What is planned about results, and what is late."""

import datetime
from dataclasses import dataclass

from ..models import ActionPlan, ActionState, Survey
from ._results import names_shown, published_waves, wording


@dataclass(frozen=True, slots=True)
class Planned:
    """An action with what it is about, in words."""

    action: ActionPlan
    about: str
    is_overdue: bool


def actions(*, today: datetime.date, survey: Survey | None = None, state: str = "", language: str = "en") -> list[Planned]:
    """What is not done first, by the day it is due; what is done after that."""
    found = ActionPlan.objects.select_related("survey").order_by("due_on", "pk")
    if survey is not None:
        found = found.filter(survey=survey)
    if state == "overdue":
        found = found.filter(due_on__lt=today).exclude(state=ActionState.DONE)
    elif state:
        found = found.filter(state=state)
    rows = sorted(found[:500], key=lambda row: row.state == ActionState.DONE)
    words = {row.survey_id: _words(row.survey, language) for row in rows}
    return [
        Planned(
            row,
            " · ".join(
                filter(None, (words[row.survey_id].get(row.question), words[row.survey_id].get(f"{row.dimension}:{row.group}")))
            ),
            row.due_on < today and row.state != ActionState.DONE,
        )
        for row in rows
    ]


def _words(survey: Survey, language: str) -> dict[str, str]:
    return dict([*questions_to_choose(survey, language), *groups_to_choose(survey)])


def questions_to_choose(survey: Survey, language: str = "en") -> list[tuple[str, str]]:
    wave = published_waves(survey).first()
    return [(item["key"], wording(item.get("texts") or {}, language) or item["key"]) for item in wave.questions] if wave else []


def groups_to_choose(survey: Survey) -> list[tuple[str, str]]:
    """Groups that are shown in the newest wave: ``dimension:key`` and name."""
    wave = published_waves(survey).first()
    if wave is None:
        return []
    return [
        (f"{dimension}:{key}", name) for dimension in wave.results.get("shown", {}) for key, name in names_shown(wave, dimension)
    ]
