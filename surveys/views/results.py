"""Results of a wave as HR and managers read them; a manager sees the own level only."""

import csv
from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from incentives_site.accounts.roles import Role, for_roles
from incentives_site.shared.problems import Kind, Problem

from .. import queries
from ..models import Employee, Survey, Wave
from ..queries import WHOLE, Place
from ..rules.publishing import DIMENSIONS
from ..wording import DIMENSION_WORDS

HEAT_MAP_ROWS = 50
READERS = (Role.HR, Role.MANAGER)


class NoTeam(Problem):
    code = "no-team"
    title = gettext_lazy("You are not in the directory as a manager")
    kind = Kind.FORBIDDEN


@for_roles(*READERS)
def results(request: HttpRequest, public_id: str) -> HttpResponse:
    survey = queries.survey_by_public_id(public_id)
    waves = list(queries.published_waves(survey)[:40])
    if not waves:
        return render(request, "surveys/no_results.html", {"survey": survey, "crumbs": _crumbs(survey)})
    wave = next((wave for wave in waves if str(wave.number) == request.GET.get("wave")), waves[0])
    place, places = _place(request, wave)
    language = get_language() or "en"
    before = next((other for other in waves if other.number < wave.number), None)
    asked = [queries.answered(wave, item, place, language=language, before=before) for item in wave.questions]
    scored = next((found for found in asked if found.kind in {"enps", "nps"}), None)
    dimension = request.GET.get("by", "department")
    context = {
        "survey": survey,
        "wave": wave,
        "waves": waves,
        "place": place,
        "places": places,
        "is_hr": _is_hr(request),
        "whose": "" if _is_hr(request) else _whose(place),
        "participation": queries.participation(wave, place),
        "asked": asked,
        "scored": scored,
        "trend": _trend(survey, scored, place),
        "distribution": _distribution(scored),
        "dimension": dimension if dimension in DIMENSIONS else "department",
        "dimensions": [(name, DIMENSION_WORDS[name]) for name in DIMENSIONS if queries.groups_shown(wave, name)],
        "heat_map": _heat_map(wave, dimension, language, request.GET.get("page", "")) if _is_hr(request) else None,
        "drivers": queries.drivers(wave, language=language) if _is_hr(request) else [],
        "comment_count": queries.comments(wave).count() if _is_hr(request) else 0,
        "actions": queries.actions(today=timezone.localdate(), survey=survey, language=language) if _is_hr(request) else [],
        "crumbs": _crumbs(survey),
    }
    return render(request, "surveys/results.html", context)


@for_roles(Role.HR)
def comments(request: HttpRequest, public_id: str, number: int) -> HttpResponse:
    """One filter at a time: by question or by department."""
    survey = queries.survey_by_public_id(public_id)
    wave = queries.published_waves(survey).filter(number=number).first()
    if wave is None:
        raise queries.SurveyUnknown
    language = get_language() or "en"
    question, department = request.GET.get("question", ""), request.GET.get("department", "")
    if question and department:
        department = ""
    found = queries.comments(wave, question=question, department=department)
    texts = {item["key"]: queries.wording(item.get("texts") or {}, language) for item in wave.questions}
    named = sorted({row for row in queries.comments(wave).values_list("department", flat=True) if row})
    context = {
        "survey": survey,
        "wave": wave,
        "rows": [(comment, texts.get(comment.question, comment.question)) for comment in found.prefetch_related("replies")[:500]],
        "total": found.count(),
        "questions": [(key, texts[key]) for key in texts],
        "departments": queries.names_of("department", named),
        "question": question,
        "department": department,
        "crumbs": [*_crumbs(survey), {"label": _("Comments")}],
    }
    return render(request, "surveys/comments.html", context)


@for_roles(Role.HR)
def export(request: HttpRequest, public_id: str, number: int) -> HttpResponse:
    """What may be shown of a wave, as CSV: one line for each question, group and answer."""
    survey = queries.survey_by_public_id(public_id)
    wave = queries.published_waves(survey).filter(number=number).first()
    if wave is None:
        raise queries.SurveyUnknown
    response = HttpResponse("".join(_lines(wave)), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="survey-{survey.public_id}-{wave.number}.csv"'
    return response


class _Echo:
    def write(self, line: str) -> str:
        return line


def _lines(wave: Wave) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(["question", "dimension", "group", "answer", "times"])
    places = [WHOLE, *(Place(name, group) for name in DIMENSIONS for group in queries.groups_shown(wave, name))]
    for item in wave.questions:
        for place in places:
            for value, times in sorted((queries.figure(wave, item["key"], place) or {}).items()):
                # A cell that a spreadsheet would take for a formula is only a text.
                cells = [item["key"], place.dimension, place.group, "answered" if value == "*" else value, times]
                yield writer.writerow(
                    ["'" + c if isinstance(c, str) and c.startswith(("=", "+", "-", "@")) else c for c in cells]
                )


def _whose(place: Place) -> str:
    """What a manager looks at, said: the own team, or the next level above that is shown."""
    if place.dimension == "manager":
        return _("What your team answered.")
    name = queries.names_of(place.dimension, [place.group])[0][1] if place.dimension else _("everybody")
    return _("Too few of your team answered to be shown by themselves: this is what was answered by %(name)s.") % {"name": name}


def _is_hr(request: HttpRequest) -> bool:
    return Role.HR in request.user.roles  # type: ignore[union-attr]


def _place(request: HttpRequest, wave: Wave) -> tuple[Place, list[tuple[str, str, str]]]:
    """Where the figures are from, and where else they may be from: HR chooses, a manager does not."""
    if not _is_hr(request):
        employee = Employee.objects.select_related("department").filter(email__iexact=request.user.email, is_active=True).first()  # type: ignore[union-attr]
        if employee is None:
            raise NoTeam(_("Ask HR to enter your address in the directory."))
        return queries.place_of_manager(wave, employee) or WHOLE, []
    places = [
        (f"{dimension}:{key}", name, str(DIMENSION_WORDS[dimension]))
        for dimension in DIMENSIONS
        for key, name in queries.names_shown(wave, dimension)
    ]
    dimension, _colon, group = request.GET.get("group", "").partition(":")
    chosen = Place(dimension, group)
    return (chosen if any(f"{dimension}:{group}" == known for known, _n, _d in places) else WHOLE), places


def _trend(survey: Survey, scored: Any, place: Place) -> dict[str, Any] | None:
    if scored is None:
        return None
    points = [point for point in queries.trend(survey, scored.key, place) if point.score is not None]
    if len(points) < 2:
        return None
    series: list[dict[str, Any]] = []
    for number, point in enumerate(points):
        if point.is_break or not series:
            name = _("Score") if not series else _("Score, new scale %(n)s") % {"n": len(series) + 1}
            series.append({"name": name, **{key: [None] * number for key in ("values", "low", "high")}})
        if point.score is None:
            continue
        for key, value in (("values", point.score.shown), ("low", point.score.low), ("high", point.score.high)):
            series[-1][key].append(value)
    for one in series:
        for key in ("values", "low", "high"):
            one[key] += [None] * (len(points) - len(one[key]))
    return {
        "kind": "line",
        "labels": [point.wave.opens_at.date().isoformat() for point in points],
        "label_title": _("Wave"),
        "series": series,
        "min": -100,
        "max": 100,
    }


def _distribution(scored: Any) -> dict[str, Any] | None:
    if scored is None or not scored.distribution:
        return None
    return {
        "kind": "bar",
        "labels": [label for label, _times in scored.lines],
        "label_title": _("Score"),
        "series": [{"name": _("Answers"), "values": [times for _label, times in scored.lines]}],
    }


def _heat_map(wave: Wave, dimension: str, language: str, asked_page: str) -> dict[str, Any]:
    dimension = dimension if dimension in DIMENSIONS else "department"
    pages = -(-len(queries.groups_shown(wave, dimension)) // HEAT_MAP_ROWS)
    page = min(max(int(asked_page) if asked_page.isdecimal() else 1, 1), max(pages, 1))
    rows = queries.heat_map(wave, dimension, language=language, page=page, size=HEAT_MAP_ROWS)
    asked = [item for item in wave.questions if item["kind"] != "text"]
    return {
        "columns": [queries.wording(item.get("texts") or {}, language) for item in asked],
        "rows": [(name, [(cell, warmth(cell)) for cell in cells]) for name, cells in rows],
        "page": page,
        "pages": range(1, pages + 1) if pages > 1 else [],
    }


def warmth(cell: Any) -> str:
    """A class of five; colour is never the only sign, the number stands in the cell."""
    value = cell.value
    if value is None:
        return ""
    low, high = (-100, 100) if cell.score is not None else (1, 5) if cell.rating is not None else (0, 100)
    return f"heat-{min(4, int(5 * (value - low) / (high - low)))}"


def _crumbs(survey: Survey) -> list[dict[str, Any]]:
    return [{"label": _("Surveys"), "url": reverse("surveys:list")}, {"label": str(survey)}]
