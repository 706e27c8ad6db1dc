"""Make a survey: eNPS in two clicks, or from a template; what it asks, when, and under which promise."""

import zoneinfo
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from incentives_site.accounts.roles import for_roles
from incentives_site.shared.problems import Invalid, Problem

from .. import operations
from ..forms.planning import EnpsForm, PulseForm, ScheduleForm, initial_of, place_errors
from ..models import Employee, Survey
from ..rules.ready_made import LANGUAGES, READY_MADE, said
from ..wording import in_language, schedule_in_words
from .admission import HR, actor

REFUSED = 422


@for_roles(*HR)
@require_safe
def new(request: HttpRequest) -> HttpResponse:
    """Which survey to begin with."""
    crumbs = [{"label": _("Surveys"), "url": reverse("surveys:list")}, {"label": _("New survey")}]
    return render(request, "surveys/new.html", {"ready_made": READY_MADE.values(), "crumbs": crumbs})


def _begins_with(every: str) -> dict[str, Any]:
    zone = request_zone()
    today = timezone.now().astimezone(zoneinfo.ZoneInfo(zone))
    return {
        "every": every,
        "anchor_on": today.date(),
        "opens_at": today.time().replace(second=0, microsecond=0),
        "time_zone": zone,
        "languages": list(LANGUAGES),
        "open_days": 7,
    }


def request_zone() -> str:
    """The zone of the last survey, as it is most likely meant again."""
    last = Survey.objects.order_by("-pk").values_list("time_zone", flat=True).first()
    return last or timezone.get_default_timezone_name()


@for_roles(*HR)
def new_enps(request: HttpRequest) -> HttpResponse:
    """One page with everything chosen already; the button starts it."""
    form = EnpsForm(request.POST or None, initial=_begins_with("quarterly"))
    if request.method == "POST" and form.is_valid() and "look" not in request.POST:
        template = READY_MADE["enps"]
        try:
            survey = operations.draft(
                kind=template.kind,
                questions=template.asked(form.cleaned_data["scale"]),
                fields={**form.fields_of_survey, "title": said(template.title)},
                by=actor(request),
                now=timezone.now(),
            )
            if "draft" not in request.POST:
                operations.start(survey=survey, by=actor(request), now=timezone.now())
                messages.success(request, _("It runs: waves open by themselves, and invitations go out within a minute."))
            return redirect("surveys:detail", survey.public_id)
        except Invalid as problem:
            place_errors(form, problem)
        except Problem as problem:
            form.add_error(None, str(problem.detail))
    crumbs = [{"label": _("Surveys"), "url": reverse("surveys:list")}, {"label": _("New eNPS")}]
    context = {"form": form, "crumbs": crumbs, "people": Employee.objects.filter(is_active=True).count(), "is_enps": True}
    return _planning(request, "surveys/enps.html", form, context)


@for_roles(*HR)
def new_from(request: HttpRequest, key: str) -> HttpResponse:
    """A draft from a template, or an empty one."""
    template = READY_MADE.get(key)
    if request.method != "POST":
        return redirect("surveys:new")
    first = _begins_with(template.every if template else "")
    fields = {**first, "title": said(template.title) if template else {}, "rotates": template.rotates if template else 0}
    survey = operations.draft(
        kind=template.kind if template else "pulse",
        questions=template.asked() if template else [],
        fields=fields,
        by=actor(request),
        now=timezone.now(),
    )
    return redirect("surveys:questions", survey.public_id)


@for_roles(*HR)
def plan(request: HttpRequest, public_id: str) -> HttpResponse:
    """When it is asked, of whom, under which promise."""
    survey = get_object_or_404(Survey, public_id=public_id)
    form = PulseForm(request.POST or None, initial=initial_of(survey))
    if request.method == "POST" and form.is_valid() and "look" not in request.POST:
        try:
            operations.revise(survey=survey, fields=form.fields_of_survey, by=actor(request))
            messages.success(request, _("Saved."))
            return redirect("surveys:detail", survey.public_id)
        except Invalid as problem:
            place_errors(form, problem)
    title = in_language(survey.title, survey.languages) or _("Without title")
    crumbs = [
        {"label": _("Surveys"), "url": reverse("surveys:list")},
        {"label": title, "url": reverse("surveys:detail", args=[survey.public_id])},
        {"label": _("Schedule and promise")},
    ]
    context = {"form": form, "crumbs": crumbs, "survey": survey, "title": title, "answered": operations.has_answers(survey)}
    context["bank"] = operations.bank_turns(survey)
    return _planning(request, "surveys/plan.html", form, context)


def _planning(request: HttpRequest, template: str, form: ScheduleForm, context: dict[str, Any]) -> HttpResponse:
    dates = _dates(ScheduleForm(request.POST if request.method == "POST" else _as_typed(form)))
    status = REFUSED if form.is_bound and form.errors else 200
    return render(request, template, {**context, **dates, "zones": sorted(zoneinfo.available_timezones())}, status=status)


def _as_typed(form: ScheduleForm) -> dict[str, Any]:
    return {name: form[name].value() for name in ScheduleForm.base_fields}


@for_roles(*HR)
@require_safe
def dates(request: HttpRequest) -> HttpResponse:
    """The schedule in words and its next dates, as they are chosen."""
    return render(request, "surveys/_dates.html", _dates(ScheduleForm(request.GET)))


def _dates(form: ScheduleForm) -> dict[str, Any]:
    if not form.is_valid():
        return {"words": "", "next": [], "zone": ""}
    data = form.cleaned_data
    if data["every"] and not (data["anchor_on"] and data["opens_at"]):
        return {"words": "", "next": [], "zone": ""}
    row = Survey(**data)
    words = schedule_in_words(data["every"], data["anchor_on"], data["opens_at"], data["time_zone"], data["open_days"])
    now = timezone.now()
    opens_now = operations.opens_at_once(row, now=now)
    return {
        "words": words,
        "next": operations.next_openings(row, now=now, count=4 if opens_now else 5),
        "opens_now": opens_now,
        "zone": data["time_zone"],
    }
