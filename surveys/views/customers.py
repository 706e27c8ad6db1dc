"""What customers are asked: surveys of campaigns, begun on one page, and how they stand."""

import segno
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from incentives_site.accounts.roles import Role, for_roles
from incentives_site.shared.problems import Problem

from .. import operations, queries
from ..forms.customers import CustomerSurveyForm
from ..models import Mode, Survey, SurveyKind, SurveyStatus
from ..rules.ready_made import CUSTOMERS, LANGUAGES, said
from .admission import actor

READERS = (Role.MARKETER, Role.ANALYST, Role.OPERATOR)
WRITERS = (Role.MARKETER, Role.OPERATOR)
REFUSED = 422


@for_roles(*READERS)
@require_safe
def surveys(request: HttpRequest) -> HttpResponse:
    return _page(request, CustomerSurveyForm(initial={"asks": "nps", "mode": Mode.NAMED.value}))


@for_roles(*WRITERS)
@require_POST
def new(request: HttpRequest) -> HttpResponse:
    form = CustomerSurveyForm(request.POST)
    if not form.is_valid():
        return _page(request, form, REFUSED)
    template = CUSTOMERS[form.cleaned_data["asks"]]
    try:
        survey = operations.draft(
            kind=SurveyKind.FEEDBACK,
            questions=template.asked(),
            fields={
                "title": said(template.title),
                "languages": list(LANGUAGES),
                **{name: form.cleaned_data[name] for name in ("campaign", "incentive", "mode")},
            },
            by=actor(request),
            now=timezone.now(),
        )
        operations.start(survey=survey, by=actor(request), now=timezone.now())
    except Problem as problem:
        form.add_error(None, str(problem.detail or problem.title))
        return _page(request, form, REFUSED)
    messages.success(request, _("It runs."))
    return redirect("surveys:feedback")


@for_roles(*WRITERS)
@require_POST
def end(request: HttpRequest, public_id: str) -> HttpResponse:
    survey = get_object_or_404(Survey, public_id=public_id, kind=SurveyKind.FEEDBACK)
    try:
        operations.end(survey=survey, by=actor(request))
        messages.success(request, _("Nobody is asked any more. What was promised can still be claimed."))
    except Problem as problem:
        messages.error(request, f"{problem.title}. {problem.detail}")
    return redirect("surveys:feedback")


@for_roles(*READERS)
@require_safe
def poster(request: HttpRequest, public_id: str) -> HttpResponse:
    """To print: everybody may answer."""
    survey = get_object_or_404(Survey, public_id=public_id, kind=SurveyKind.FEEDBACK, mode=Mode.ANONYMOUS)
    address = settings.BASE_URL + operations.open_url(survey)
    context = {
        "title": str(survey),
        "address": address,
        "qr": segno.make(address, micro=False).svg_data_uri(border=2, scale=6),
        "promise": survey.incentive,
        "crumbs": [{"label": _("Feedback"), "url": reverse("surveys:feedback")}, {"label": _("Poster")}],
    }
    return render(request, "surveys/customers_poster.html", context)


def _page(request: HttpRequest, form: CustomerSurveyForm, status: int = 200) -> HttpResponse:
    found = Survey.objects.filter(kind=SurveyKind.FEEDBACK).select_related("campaign", "incentive").order_by("-id")[:100]
    context = {
        "rows": [queries.feedback_summary(survey, today=timezone.localdate()) for survey in found],
        "form": form,
        "may_write": bool(set(WRITERS) & request.user.roles),  # type: ignore[union-attr]
        "has_campaigns": form.fields["campaign"].queryset.exists(),  # type: ignore[attr-defined]
        "waiting": queries.reviews().count(),
        "running": SurveyStatus.RUNNING,
    }
    return render(request, "surveys/customers.html", context, status=status)
