"""The conversation under a comment: HR answers on the page of comments, the author by a key that only the author holds."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from incentives_site.accounts.roles import Role, for_roles
from incentives_site.shared.problems import Problem

from .. import operations, queries
from ..models import Comment
from .speaking import private, spoken


@for_roles(Role.HR)
@require_POST
def reply(request: HttpRequest, public_id: str, number: int) -> HttpResponse:
    """HR answers a comment that may be shown."""
    survey = queries.survey_by_public_id(public_id)
    wave = queries.published_waves(survey).filter(number=number).first()
    chosen = request.POST.get("comment", "")
    comment = next((one for one in queries.comments(wave) if str(one.pk) == chosen), None) if wave else None
    if comment is None:
        raise operations.ThreadUnknown
    operations.reply(comment=comment, text=request.POST.get("text", ""), by=f"user:{request.user.pk}")
    return redirect("surveys:comments", public_id, number)


def thread(request: HttpRequest) -> HttpResponse:
    """The author's side: the key is typed, sent in the body, and stands in no address and no log."""
    with spoken(request) as menu:
        key = request.POST.get("key", "")
        problem: Problem | None = None
        comments: list[Comment] = []
        if request.method == "POST":
            try:
                comments = operations.comments_of(key)
                chosen = next((one for one in comments if str(one.pk) == request.POST.get("comment")), comments[0])
                if request.POST.get("step") == "reply":
                    operations.reply(comment=chosen, text=request.POST.get("text", ""), is_author=True)
                elif request.POST.get("step") == "close":
                    operations.close_thread(comment=chosen)
                    comments = operations.comments_of(key)
            except Problem as error:
                problem = error
        context = {
            **menu,
            "key": key,
            "talks": [(comment, list(comment.replies.order_by("position"))) for comment in comments],
            "problem": problem,
            "text": request.POST.get("text", "") if problem else "",
            "chosen": request.POST.get("comment", ""),
        }
        return private(render(request, "survey_answer/thread.html", context, status=422 if problem else 200))
