"""What every request passes: a second factor where the role requires one, and a browser that is known again."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _

from incentives_site.shared.problem_pages import problem_page
from incentives_site.shared.problems import Kind, Problem

from . import devices

# Where one gets rid of what one owes, or leaves.
OPEN_NAMES = ("mfa_", "account_logout", "account_reauthenticate", "second-factor-required", "set_language")
# Pages and endpoints that do not ask who is signed in: a link, a code or a key opens them.
OPEN_PATHS = ("/wallet/", "/preferences/", "/s/", "/feedback/", "/reply/", "/problems/", "/api/", "/v1/", "/beacon/", "/healthz")


class SecondFactorRequired(Problem):
    code = "second-factor-required"
    title = _("Set up a second factor first")
    kind = Kind.FORBIDDEN


class SignIn:
    """Everything that is not named as open stays closed, so a page that is added later is closed too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        user = getattr(request, "known_here", None)
        if user is not None:
            devices.remember(request, response, user)
        return response

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        name = (request.resolver_match.url_name or "") if request.resolver_match else ""
        if name.startswith(OPEN_NAMES) or request.path_info.startswith(OPEN_PATHS):
            return None
        if not getattr(request.user, "owes_second_factor", False):
            return None
        if request.method in ("GET", "HEAD"):
            return redirect("second-factor-required")
        refusal = _("Your role requires a passkey or an authenticator app. Set one up, then repeat this step.")
        return problem_page(request, SecondFactorRequired(refusal))
