"""The pages behind the ``type`` of a refusal: what a code means and what to do."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from .shared.problems import Text, known_problems
from .shared.statuses import STATUS_OF_KIND

# Refusals of the framework, in our spelling (``shared.problem_details``).
FRAMEWORK: dict[str, tuple[Text, int]] = {
    "malformed-json": (_("The body is not JSON that can be read"), 400),
    "not-authenticated": (_("No key was sent"), 401),
    "key-not-accepted": (_("The key is unknown, revoked or expired"), 401),
    "missing-scope": (_("The key lacks the scope this call needs"), 403),
    "permission-denied": (_("This is not allowed"), 403),
    "not-found": (_("There is no such thing"), 404),
    "method-not-allowed": (_("This address does not answer that method"), 405),
    "not-acceptable": (_("The answer cannot be given in that form"), 406),
    "unsupported-media-type": (_("The body must be application/json"), 415),
    "body-too-large": (_("The body is too large"), 413),
    "too-many-requests": (_("Too many requests: wait as long as Retry-After says"), 429),
    "database-away": (_("The database cannot be reached: try again as Retry-After says"), 503),
    "storage-full": (_("The disk of the service is full: an operator has to free space"), 503),
    "error": (_("Something broke on our side: the request id finds it in the logs"), 500),
}


def catalogue() -> dict[str, tuple[Text, int]]:
    """Every code with its title and HTTP status."""
    ours = {code: (problem.title, STATUS_OF_KIND[problem.kind]) for code, problem in known_problems().items()}
    return dict(sorted({**FRAMEWORK, **ours}.items()))


def index(request: HttpRequest) -> HttpResponse:
    entries = [(code, title, status) for code, (title, status) in catalogue().items()]
    return render(request, "problems/index.html", {"entries": entries})


def detail(request: HttpRequest, code: str) -> HttpResponse:
    known = catalogue().get(code)
    if known is None:
        raise Http404
    return render(request, "problems/detail.html", {"code": code, "title": known[0], "status": known[1]})
