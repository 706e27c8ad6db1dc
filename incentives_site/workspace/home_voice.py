"""The first page of HR and of managers: what is open, what was said last, and whom one meets next."""

import datetime
from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from incentives_site.accounts.roles import Role
from surveys import operations, queries
from surveys.models import Employee, Survey, SurveyKind, SurveyStatus, Wave, WaveState
from surveys.queries import WHOLE, Place
from surveys.views.overview import so_far
from surveys.wording import in_language

NEWEST_SHOWN = 6
MEETINGS_SHOWN = 5


def voice(request: HttpRequest) -> HttpResponse:
    """For HR the company, for a manager the own level; whoever is neither in the directory sees how to get there."""
    is_hr = Role.HR in request.user.roles  # type: ignore[union-attr]
    me = Employee.objects.select_related("department").filter(email__iexact=request.user.email, is_active=True).first()  # type: ignore[union-attr]
    published = list(
        Wave.objects.filter(state=WaveState.PUBLISHED)
        .exclude(survey__kind=SurveyKind.FEEDBACK)
        .select_related("survey")
        .order_by("-closes_at", "-pk")[:NEWEST_SHOWN]
    )
    context = {
        "is_hr": is_hr,
        "me": me,
        "figures": _figures(published, me, is_hr=is_hr) if published and (is_hr or me) else [],
        "open": _open(),
        "newest": [(wave, _title(wave.survey)) for wave in published],
        "meetings": _meetings(me),
        "attention": _attention() if is_hr else [],
        "has_surveys": Survey.objects.exclude(kind=SurveyKind.FEEDBACK).exists(),
    }
    return render(request, "home/voice.html", context)


def _title(survey: Survey) -> str:
    return in_language(survey.title, survey.languages) or _("Without title")


def _figures(published: list[Wave], me: Employee | None, *, is_hr: bool) -> list[dict[str, Any]]:
    """The newest net score with its margin and participation, where this person may see them."""
    found: list[dict[str, Any]] = []
    scored = next(((wave, item) for wave in published for item in wave.questions if item["kind"] == "enps"), None)
    if scored is not None:
        wave, item = scored
        place = WHOLE if is_hr else _place(wave, me)
        before = queries.published_waves(wave.survey).filter(number__lt=wave.number).first()
        answer = queries.answered(wave, item, place, language=get_language() or "en", before=before) if place else None
        found.append(_score(wave, answer))
    wave = published[0]
    place = WHOLE if is_hr else _place(wave, me)
    taking_part = queries.participation(wave, place) if place else None
    found.append(
        {
            "label": _("Participation"),
            "value": _("not shown")
            if taking_part is None
            else f"{taking_part:.0f} %"
            if isinstance(taking_part, float)
            else f"{taking_part[0]}–{taking_part[1]} %",
            "hint": _title(wave.survey),
            "url": _results(wave),
        }
    )
    if is_hr:
        people = Employee.objects.filter(is_active=True).count()
        found.append(
            {
                "label": _("People in the directory"),
                "value": f"{people:,}",
                "hint": _("whom surveys ask"),
                "url": reverse("surveys:directory"),
            }
        )
    return found


def _score(wave: Wave, answer: Any) -> dict[str, Any]:
    figure = {"label": "eNPS", "hint": _title(wave.survey), "url": _results(wave)}
    if answer is None or answer.score is None:
        return figure | {"value": _("Not enough answers")}
    score = answer.score
    figure["hint"] = _("between %(low)s and %(high)s with 95 %% certainty") % {"low": score.low, "high": score.high}
    figure["value"] = f"{score.shown}".replace("-", "−")
    if score.change is not None:
        figure["trend"] = {1: _("better"), -1: _("lower")}.get(score.change.direction, _("no clear change"))
        figure["trend_direction"] = {1: "up", -1: "down"}.get(score.change.direction, "")
    return figure


def _place(wave: Wave, me: Employee | None) -> Place | None:
    return queries.place_of_manager(wave, me) if me else None


def _results(wave: Wave) -> str:
    return f"{reverse('surveys:results', args=[wave.survey.public_id])}?wave={wave.number}"


def _open() -> list[dict[str, Any]]:
    waves = (
        Wave.objects.filter(state=WaveState.OPEN)
        .select_related("survey")
        .annotate(used=Count("invitations", filter=Q(invitations__is_used=True)))
        .order_by("closes_at")
    )
    return [{"wave": wave, "title": _title(wave.survey), "so_far": so_far(wave)} for wave in waves]


def _meetings(me: Employee | None) -> list[dict[str, Any]]:
    """The next meeting of each series this person is part of, the soonest first."""
    yesterday = timezone.localdate() - datetime.timedelta(days=1)
    rows = []
    for series in operations.series_of(me) if me else []:
        seat = operations.seat_of(public_id=series.public_id, employee=me)
        dates = list(operations.dates_of(series, after=yesterday, count=1))
        if dates:
            rows.append({"series": series, "other": seat.other, "at": dates[0]})
    return sorted(rows, key=lambda row: str(row["at"]))[:MEETINGS_SHOWN]


def _attention() -> list[dict[str, str]]:
    found = []
    if not Employee.objects.filter(is_active=True).exists():
        found.append(
            {
                "icon": "users",
                "name": _("The directory is empty"),
                "url": reverse("surveys:directory-import"),
                "text": _("nobody can be asked before employees are brought in"),
            }
        )
    drafts = Survey.objects.filter(status=SurveyStatus.DRAFT).exclude(kind=SurveyKind.FEEDBACK)[:NEWEST_SHOWN]
    for survey in drafts:
        obstacles = operations.obstacles(survey=survey)
        text = str(obstacles[0].detail) if obstacles else _("a draft that could be started")
        found.append(
            {"icon": "pencil", "name": _title(survey), "url": reverse("surveys:detail", args=[survey.public_id]), "text": text}
        )
    return found
