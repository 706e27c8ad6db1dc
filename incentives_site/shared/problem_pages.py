"""Refusals as pages: the whole page for a browser, the component for a swap."""

import sys

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from . import away
from .htmx import page_or_fragment
from .logs import request_id
from .problems import Kind, Problem
from .statuses import STATUS_OF_KIND


class StaleForm(Problem):
    code = "stale-form"
    title = _("This page was open too long")
    kind = Kind.FORBIDDEN


def problem_page(request: HttpRequest, problem: Problem) -> HttpResponse:
    template = page_or_fragment(request, page="errors/problem.html", fragment="_components/problem.html")
    context = {
        "code": problem.code,
        "title": problem.title,
        "detail": problem.detail,
        "request_id": request_id(),
    }
    response = render(request, template, context, status=STATUS_OF_KIND[problem.kind])
    if "retry_after" in problem.extras:
        response["Retry-After"] = str(problem.extras["retry_after"])
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form whose token is missing or old: say what to do, change nothing."""
    return problem_page(
        request,
        StaleForm(_("Nothing was changed. Load the page again and repeat the last step.")),
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """A server we stand on is away: 503, and when to come back. Else a bug: say so, with the id that finds it in the logs."""
    if code := away.code_of(sys.exc_info()[1]):
        return away.answer(request, code)
    return render(request, "errors/500.html", {"request_id": request_id()}, status=500)
