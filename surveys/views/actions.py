"""What HR means to do about results: a list of all, and one at a time."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from incentives_site.accounts.roles import for_roles
from incentives_site.shared.problems import Invalid

from .. import operations, queries
from ..forms.actions import ActionForm
from ..forms.planning import place_errors
from ..models import ActionState, Survey
from ..wording import in_language
from .admission import HR, actor

REFUSED = 422


@for_roles(*HR)
@require_safe
def actions(request: HttpRequest) -> HttpResponse:
    state = request.GET.get("state", "")
    state = state if state in {"overdue", *ActionState.values} else ""
    rows = queries.actions(today=timezone.localdate(), state=state, language=get_language() or "en")
    states = [("", _("All")), ("overdue", _("Overdue")), *ActionState.choices]
    return render(request, "surveys/actions.html", {"rows": rows, "state": state, "states": states})


@for_roles(*HR)
def new(request: HttpRequest, public_id: str) -> HttpResponse:
    """Also from the results page, with the group and the question that are meant."""
    survey = queries.survey_by_public_id(public_id)
    initial = {name: request.GET.get(name, "") for name in ("question", "group")} | {"state": ActionState.OPEN.value}
    form = ActionForm(request.POST or None, survey=survey, initial=initial, language=get_language() or "en")
    if request.method == "POST" and form.is_valid():
        try:
            operations.plan_action(survey=survey, fields=form.fields_of_action, by=actor(request), now=timezone.now())
            messages.success(request, _("Planned."))
            return redirect("surveys:actions")
        except Invalid as problem:
            place_errors(form, problem)
    return _page(request, survey, form, _("New action"))


@for_roles(*HR)
def action(request: HttpRequest, public_id: str) -> HttpResponse:
    row = operations.action_by_public_id(public_id)
    form = ActionForm(request.POST or None, survey=row.survey, action=row, language=get_language() or "en")
    if request.method == "POST" and form.is_valid():
        try:
            operations.revise_action(action=row, fields=form.fields_of_action, by=actor(request))
            messages.success(request, _("Saved."))
            return redirect("surveys:actions")
        except Invalid as problem:
            place_errors(form, problem)
    return _page(request, row.survey, form, row.title)


def _page(request: HttpRequest, survey: Survey, form: ActionForm, title: str) -> HttpResponse:
    name = in_language(survey.title, survey.languages) or _("Without title")
    crumbs = [
        {"label": _("Surveys"), "url": reverse("surveys:list")},
        {"label": _("Actions"), "url": reverse("surveys:actions")},
        {"label": title},
    ]
    context = {"form": form, "survey": survey, "name": name, "title": title, "crumbs": crumbs}
    return render(request, "surveys/action.html", context, status=REFUSED if form.is_bound else 200)
