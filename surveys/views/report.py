"""One wave on paper: what the results page shows of everybody and of the groups, without scripts."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from incentives_site.accounts.roles import Role, for_roles

from .. import queries
from ..models import Wave, WaveState
from ..rules.publishing import DIMENSIONS
from ..wording import DIMENSION_WORDS, in_language, mode_in_a_sentence
from .results import warmth

MOST_COMMENTS = 200
MOST_GROUPS = 200


@for_roles(Role.HR)
@require_safe
def report(request: HttpRequest, public_id: str, number: int) -> HttpResponse:
    """Of a published wave."""
    survey = queries.survey_by_public_id(public_id)
    wave = queries.wave_of(survey, number)
    if wave.state != WaveState.PUBLISHED:
        raise queries.WaveUnknown
    language = get_language() or "en"
    before = queries.published_waves(survey).filter(number__lt=wave.number).first()
    asked = [queries.answered(wave, item, language=language, before=before) for item in wave.questions if item["kind"] != "text"]
    scored = next((found for found in asked if found.kind in queries.SCORED), None)
    title = in_language(survey.title, survey.languages) or _("Without title")
    context = {
        "survey": survey,
        "title": title,
        "wave": wave,
        "is_enough": any(found.is_enough for found in asked),
        "participation": queries.participation(wave),
        "asked": asked,
        "scored": scored,
        "trend": [point for point in queries.trend(survey, scored.key, most=12) if point.wave.number <= wave.number]
        if scored
        else [],
        "most_times": max((times for _label, times in scored.distribution), default=0) if scored else 0,
        "tables": _tables(wave, language),
        "drivers": queries.drivers(wave, language=language)[:6],
        "comments": _comments(wave, language),
        "comment_count": queries.comments(wave).count(),
        "actions": queries.actions(today=timezone.localdate(), survey=survey, language=language),
        "promise": mode_in_a_sentence(wave.mode, wave.k),
        "printed_on": timezone.localdate(),
        "crumbs": [
            {"label": _("Surveys"), "url": reverse("surveys:list")},
            {"label": title, "url": reverse("surveys:results", args=[survey.public_id]) + f"?wave={wave.number}"},
            {"label": _("Report")},
        ],
    }
    return render(request, "surveys/report.html", context)


def _tables(wave: Wave, language: str) -> list[dict[str, Any]]:
    """A heat map for each dimension that shows something."""
    columns = [queries.wording(item.get("texts") or {}, language) for item in wave.questions if item["kind"] != "text"]
    found = []
    for dimension in DIMENSIONS:
        rows = queries.heat_map(wave, dimension, language=language, size=MOST_GROUPS)
        if rows:
            cells = [(name, [(cell, warmth(cell)) for cell in row]) for name, row in rows]
            found.append({"name": DIMENSION_WORDS[dimension], "columns": columns, "rows": cells})
    return found


def _comments(wave: Wave, language: str) -> list[tuple[str, list[str]]]:
    """By question, in no order."""
    left, found = MOST_COMMENTS, []
    for item in wave.questions:
        texts = list(queries.comments(wave, question=item["key"]).values_list("text", flat=True)[:left])
        left -= len(texts)
        if texts:
            found.append((queries.wording(item.get("texts") or {}, language) or item["key"], texts))
    return found
