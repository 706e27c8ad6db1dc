"""A customer says how it was, by a link; staff look at reviews before they are shown."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from incentives_site.accounts.roles import Role, for_roles
from incentives_site.shared.problems import FieldError, Invalid, Problem
from incentives_site.shared.statuses import STATUS_OF_KIND

from .. import operations, queries
from ..models import Feedback, Mode, ReviewState, Survey
from ..rules.scores import Scale
from ..rules.uniformity import scale_of
from ..wording import ends_of, fault_in_words, in_language, mode_in_a_sentence
from .speaking import private, spoken

MODERATORS = (Role.MARKETER, Role.OPERATOR)
REFUSED = 422


@require_http_methods(["GET", "HEAD", "POST"])
def answer(request: HttpRequest, token: str) -> HttpResponse:
    """Opening the link changes nothing: mail scanners open every link."""
    feedback = _told(request, lambda: operations.feedback_of(token))
    if isinstance(feedback, HttpResponse):
        return feedback
    with spoken(request, feedback.customer.language) as menu:
        problem = None
        if request.method == "POST" and feedback.answered_at is None:
            try:
                operations.give_feedback(
                    feedback=feedback,
                    values=_typed(request),
                    review=request.POST.get("review", ""),
                    channel=operations.channel_for(feedback.survey),
                    now=timezone.now(),
                )
                return private(redirect(request.get_full_path()))
            except operations.FeedbackGiven:
                return private(redirect(request.get_full_path()))
            except Problem as error:
                problem = error
        context = {"is_answered": feedback.answered_at is not None, "wants_review": True}
        return _page(request, feedback.survey, menu, problem, context)


@require_http_methods(["GET", "HEAD", "POST"])
def answer_openly(request: HttpRequest, token: str) -> HttpResponse:
    """Everybody may answer, and nobody is asked who they are."""
    survey = _told(request, lambda: operations.survey_of(token))
    if isinstance(survey, HttpResponse):
        return survey
    with spoken(request) as menu:
        problem = None
        if request.method == "POST":
            try:
                code = operations.give_openly(survey=survey, values=_typed(request), today=timezone.localdate())
                return _page(request, survey, menu, None, {"is_answered": True, "code": code})
            except Problem as error:
                problem = error
        return _page(request, survey, menu, problem, {})


@require_http_methods(["GET", "HEAD", "POST"])
def claim(request: HttpRequest) -> HttpResponse:
    """The code of whoever answered openly becomes what was promised, in the wallet of whoever they say they are."""
    with spoken(request) as menu:
        context: dict[str, Any] = {**menu, "code": request.POST.get("code", "")[:80], "who": request.POST.get("who", "")[:254]}
        status = 200
        if request.method == "POST":
            kind = "email" if "@" in context["who"] else "loyalty_card"
            try:
                operations.claim(code=context["code"], kind=kind, value=context["who"], now=timezone.now())
                context["is_taken"] = True
            except (Invalid, operations.ClaimUsed):
                # Said in the same words, or the page would tell strangers who is a customer.
                context["is_taken"] = True
            except Problem as problem:
                context["problem"], status = problem, REFUSED
        return private(render(request, "survey_answer/claim.html", context, status=status))


def _told(request: HttpRequest, look: Callable[[], Any]) -> Any:
    """What a link leads to; or the page that says in the reader's language why it leads nowhere."""
    with spoken(request) as menu:
        try:
            return look()
        except Problem as problem:
            context = {**menu, "problem": problem}
            return private(render(request, "survey_answer/feedback_refused.html", context, status=STATUS_OF_KIND[problem.kind]))


def _page(
    request: HttpRequest, survey: Survey, menu: Mapping[str, Any], problem: Problem | None, context: Mapping[str, Any]
) -> HttpResponse:
    wrong = list(problem.errors or ()) if problem else []
    asked = [_asked(item, request, survey, wrong) for item in operations.questions_of(survey)]
    context = {
        **menu,
        "title": in_language(survey.title, survey.languages),
        "introduction": in_language(survey.introduction, survey.languages),
        "asked": asked,
        "faults": _faults(problem, asked) if problem else [],
        "mode": mode_in_a_sentence(survey.mode, survey.k) if survey.mode != Mode.ANONYMOUS else "",
        "review": request.POST.get("review", ""),
        "promise": survey.incentive,
        **context,
    }
    return private(render(request, "survey_answer/feedback.html", context, status=REFUSED if problem else 200))


def _asked(item: Mapping[str, Any], request: HttpRequest, survey: Survey, wrong: Sequence[FieldError]) -> dict[str, Any]:
    """As ``survey_answer/_question.html`` takes it."""
    scale = scale_of(item)
    low, high = ends_of(item["kind"])
    chosen = request.POST.getlist(f"q-{item['key']}")
    fault = next((error for error in wrong if error.pointer.strip("/") == item["key"]), None)
    return {
        "key": item["key"],
        "kind": item["kind"],
        "text": in_language(item["texts"], survey.languages),
        "low": low,
        "high": high,
        "numbers": [(str(n), str(n) in chosen) for n in range(scale.low, scale.high + 1)] if scale else [],
        "options": [
            (o["key"], in_language(o["texts"], survey.languages) or o["key"], o["key"] in chosen)
            for o in item.get("options") or ()
        ],
        "chosen": chosen,
        "text_given": chosen[0] if chosen else "",
        "is_required": bool(item.get("is_required")),
        "is_named": survey.mode != Mode.ANONYMOUS,
        "error": _in_words(fault, item, scale) if fault else "",
    }


def _in_words(fault: FieldError, item: Mapping[str, Any], scale: Scale | None) -> str:
    code = "too-long" if item["kind"] == "text" and fault.code == "not-an-answer" else fault.code
    return fault_in_words(code, str(fault.detail), scale.low if scale else 0, scale.high if scale else 0)


def _faults(problem: Problem, asked: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """What it is about, and what is wrong."""
    about = {question["key"]: (question["text"], question["error"]) for question in asked}
    found = [about.get(error.pointer.strip("/"), ("", str(error.detail))) for error in problem.errors or ()]
    return found or [("", f"{problem.title}. {problem.detail}")]


def _typed(request: HttpRequest) -> dict[str, object]:
    typed = {key.removeprefix("q-"): request.POST.getlist(key) for key in request.POST if key.startswith("q-")}
    return {key: given if len(given) > 1 else given[0] for key, given in typed.items()}


@for_roles(*MODERATORS)
def reviews(request: HttpRequest) -> HttpResponse:
    state = request.GET.get("state", ReviewState.WAITING.value)
    state = state if state in {"waiting", "shown", "refused"} else "waiting"
    page = Paginator(queries.reviews([state]), 25).get_page(request.GET.get("page"))
    crumbs = [{"label": _("Feedback"), "url": reverse("surveys:feedback")}, {"label": _("Reviews")}]
    context = {"page": page, "state": state, "states": ReviewState.choices[1:], "crumbs": crumbs}
    return render(request, "surveys/reviews.html", context)


@for_roles(*MODERATORS)
@require_POST
def moderate(request: HttpRequest, public_id: str) -> HttpResponse:
    feedback = Feedback.objects.filter(public_id=public_id).first()
    if feedback is None:
        raise operations.FeedbackUnknown
    operations.moderate(feedback=feedback, is_shown=request.POST.get("show") == "yes", by=f"user:{request.user.pk}")
    return redirect("surveys:reviews")
