"""All surveys, one survey with its waves, and the steps of its life."""

from collections.abc import Callable
from typing import Any

import segno
from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from incentives_site.accounts.roles import Role, for_roles
from incentives_site.shared.problems import Problem
from incentives_site.shared.statuses import STATUS_OF_KIND

from .. import operations, queries
from ..models import Employee, Survey, SurveyKind, SurveyStatus, Wave, WaveState
from ..rules.participation import counted_so_far
from ..rules.visibility import step_of_live
from ..wording import in_language, mode_in_a_sentence, schedule_in_words
from .admission import HR, actor


@for_roles(Role.HR, Role.MANAGER)
@require_safe
def surveys(request: HttpRequest) -> HttpResponse:
    """What is asked, what is open, how many answered so far; managers are led to the results of what was asked."""
    is_hr = Role.HR in request.user.roles  # type: ignore[union-attr]
    found = Survey.objects.exclude(kind=SurveyKind.FEEDBACK)
    if not is_hr:
        found = found.exclude(status=SurveyStatus.DRAFT)
    page = Paginator(found, 25).get_page(request.GET.get("page"))
    open_waves = {
        wave.survey_id: wave
        for wave in Wave.objects.filter(survey__in=list(page), state=WaveState.OPEN).annotate(
            used=Count("invitations", filter=Q(invitations__is_used=True))
        )
    }
    rows = [
        {
            "survey": row,
            "title": in_language(row.title, row.languages) or _("Without title"),
            "schedule": schedule_in_words(row.every, row.anchor_on, row.opens_at, row.time_zone, row.open_days),
            "wave": open_waves.get(row.pk),
            "so_far": so_far(open_waves.get(row.pk)),
        }
        for row in page
    ]
    people = Employee.objects.filter(is_active=True).count()
    return render(request, "surveys/list.html", {"page": page, "rows": rows, "people": people, "is_hr": is_hr})


@for_roles(*HR)
@require_safe
def survey(request: HttpRequest, public_id: str) -> HttpResponse:
    return _page(request, get_object_or_404(Survey, public_id=public_id))


def _page(request: HttpRequest, row: Survey, problem: Problem | None = None) -> HttpResponse:
    now = timezone.now()
    waves = list(
        Wave.objects.filter(survey=row)
        .defer("results")
        .annotate(used=Count("invitations", filter=Q(invitations__is_used=True)))
        .order_by("-number")[:50]  # what is grouped has no order by itself
    )
    current = next((wave for wave in waves if wave.state == WaveState.OPEN), None)
    title = in_language(row.title, row.languages) or _("Without title")
    context = {
        "survey": row,
        "title": title,
        "problem": problem,
        "waves": waves,
        "current": current,
        "has_results": any(wave.state == WaveState.PUBLISHED for wave in waves),
        "unsent": current.invitations.filter(is_sent=False, is_used=False).count() if current else 0,
        "reminded": _counted(current, current.invitations.filter(reminders__gt=0).count()) if current else None,
        "so_far": so_far(current),
        "live": _live(current),
        "questions": [(item, in_language(item["texts"], row.languages)) for item in operations.questions_of(row)],
        "obstacles": operations.obstacles(survey=row) if row.status == SurveyStatus.DRAFT else [],
        "schedule": schedule_in_words(row.every, row.anchor_on, row.opens_at, row.time_zone, row.open_days),
        "next": operations.next_openings(row, now=now) if row.status != SurveyStatus.ENDED else [],
        "promise": mode_in_a_sentence(row.mode, row.k),
        "rewards_wait": queries.rewards_wait(row),
        "crumbs": [{"label": _("Surveys"), "url": reverse("surveys:list")}, {"label": title}],
    }
    return render(request, "surveys/detail.html", context, status=STATUS_OF_KIND[problem.kind] if problem else 200)


def so_far(wave: Any) -> dict[str, int] | None:
    """How many answered a wave that is open, as far as it may be seen: at least so many, and of a hundred."""
    used = _counted(wave, wave.used) if wave else None
    return None if used is None else {"used": used, "percent": 100 * used // wave.invited}


def _live(wave: Wave | None) -> dict[str, Any] | None:
    """The company's score before the close, where the wave says so to those who answer."""
    if wave is None or not wave.is_live:
        return None
    item = next((item for item in wave.questions if item["kind"] in queries.SCORED), None)
    found = queries.answered(wave, item) if item else None
    return {
        "answered": found.answered if found else None,
        "score": found and found.score,
        "step": step_of_live(wave.k, wave.invited),
    }


def _counted(wave: Wave, people: int) -> int | None:
    return counted_so_far(people, invited=wave.invited, k=wave.k)


def _step(request: HttpRequest, public_id: str, make: Callable[[Survey], Survey], done: str) -> HttpResponse:
    row = get_object_or_404(Survey, public_id=public_id)
    try:
        row = make(row)
    except Problem as problem:
        row.refresh_from_db()
        return _page(request, row, problem)
    messages.success(request, done)
    return redirect("surveys:detail", row.public_id)


@for_roles(*HR)
@require_POST
def start(request: HttpRequest, public_id: str) -> HttpResponse:
    done = _("It runs: waves open by themselves, and invitations go out within a minute.")
    return _step(request, public_id, lambda row: operations.start(survey=row, by=actor(request), now=timezone.now()), done)


@for_roles(*HR)
@require_POST
def end(request: HttpRequest, public_id: str) -> HttpResponse:
    done = _("No further wave opens. One that is open goes on to its end.")
    return _step(request, public_id, lambda row: operations.end(survey=row, by=actor(request)), done)


@for_roles(*HR)
@require_POST
def copy(request: HttpRequest, public_id: str) -> HttpResponse:
    return _step(
        request,
        public_id,
        lambda row: operations.copy(survey=row, by=actor(request), now=timezone.now()),
        _("A copy, as a draft."),
    )


@for_roles(*HR)
@require_safe
def poster(request: HttpRequest, public_id: str) -> HttpResponse:
    """To print: it leads to the page that asks for the code of one's invitation."""
    row = get_object_or_404(Survey, public_id=public_id)
    address = settings.BASE_URL + reverse("survey-code")
    title = in_language(row.title, row.languages) or _("Without title")
    context = {
        "title": title,
        "address": address,
        "qr": segno.make(address, micro=False).svg_data_uri(border=2, scale=8),
        "crumbs": [
            {"label": _("Surveys"), "url": reverse("surveys:list")},
            {"label": title, "url": reverse("surveys:detail", args=[row.public_id])},
            {"label": _("Poster")},
        ],
    }
    return render(request, "surveys/poster.html", context)
