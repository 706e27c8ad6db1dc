"""A customer says how it was, by a link; staff look at reviews before they are shown."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.http import require_POST

from incentives_site.accounts.roles import Role, for_roles
from incentives_site.shared.problems import Invalid

from .. import operations, queries
from ..models import Feedback, ReviewState

MODERATORS = (Role.MARKETER, Role.OPERATOR)


def answer(request: HttpRequest, token: str) -> HttpResponse:
    """Opening the link changes nothing: mail scanners open every link."""
    feedback = operations.feedback_of(token)
    problem = None
    if request.method == "POST" and feedback.answered_at is None:
        try:
            feedback = operations.give_feedback(
                feedback=feedback,
                values={key.removeprefix("q-"): _given(request, key) for key in request.POST if key.startswith("q-")},
                review=request.POST.get("review", ""),
                channel=operations.channel_for(feedback.survey),
                now=timezone.now(),
            )
            return _private(redirect(request.path))
        except Invalid as error:
            problem = error
        except operations.FeedbackGiven:
            return _private(redirect(request.path))
    language = get_language() or "en"
    asked = [
        {
            "key": item["key"],
            "kind": item["kind"],
            "text": queries.wording(item.get("texts") or {}, language),
            "values": _values(item),
            "options": [(o["key"], queries.wording(o.get("texts") or {}, language)) for o in item.get("options") or ()],
            "typed": request.POST.get(f"q-{item['key']}", ""),
        }
        for item in operations.questions_of(feedback.survey)
    ]
    context = {
        "feedback": feedback,
        "title": queries.wording(feedback.survey.title, language),
        "introduction": queries.wording(feedback.survey.introduction, language),
        "asked": asked,
        "problem": problem,
        "review": request.POST.get("review", ""),
        "promise": feedback.survey.incentive,
    }
    return _private(render(request, "surveys/feedback.html", context, status=422 if problem else 200))


def _given(request: HttpRequest, key: str) -> object:
    given = request.POST.getlist(key)
    return given if len(given) > 1 else given[0]


def _values(item: dict[str, object]) -> list[int]:
    scale = queries.scale_of(item)
    return list(range(scale.low, scale.high + 1)) if scale else []


def _private(response: HttpResponse) -> HttpResponse:
    response["Referrer-Policy"] = "same-origin"
    response["Cache-Control"] = "private, no-store"
    response["X-Robots-Tag"] = "noindex"
    return response


@for_roles(*MODERATORS)
def reviews(request: HttpRequest) -> HttpResponse:
    state = request.GET.get("state", ReviewState.WAITING.value)
    state = state if state in {"waiting", "shown", "refused"} else "waiting"
    page = Paginator(queries.reviews([state]), 25).get_page(request.GET.get("page"))
    return render(request, "surveys/reviews.html", {"page": page, "state": state, "states": ReviewState.choices[1:]})


@for_roles(*MODERATORS)
@require_POST
def moderate(request: HttpRequest, public_id: str) -> HttpResponse:
    feedback = Feedback.objects.filter(public_id=public_id).first()
    if feedback is None:
        raise operations.FeedbackUnknown
    operations.moderate(feedback=feedback, is_shown=request.POST.get("show") == "yes", by=f"user:{request.user.pk}")
    return redirect("surveys:reviews")
