"""Who the signed-in person is in the directory: their own page, and the link that confirms it. In every language of surveys."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from incentives_site.accounts.models import User
from incentives_site.shared.problems import Problem
from incentives_site.shared.statuses import STATUS_OF_KIND

from .. import operations, queries
from ..models import BindingEvent
from ..wording import change_in_words
from .admission import names_of_actors
from .speaking import private, spoken


def _user(request: HttpRequest) -> User:
    return request.user  # type: ignore[return-value]


@login_required
def me(request: HttpRequest) -> HttpResponse:
    """The state of one's own binding, the request for a link, who has to agree to what, and the history."""
    user, now = _user(request), timezone.now()
    binding = operations.binding_in_use(user=user, now=now)
    with spoken(request, binding.employee.language if binding else "") as menu:
        problem: Problem | None = None
        typed = request.POST.get("address", "").strip()[:254]
        if request.method == "POST":
            try:
                sent = operations.ask_to_confirm(user=user, now=now, address=typed)
            except Problem as refusal:
                problem = refusal
            else:
                # The same words whether the typed address is in the directory or not.
                own = sent is not None and (binding is not None or sent.address == user.email)
                messages.success(request, _sent(sent.address if own and sent else ""))
                return redirect(_address(request))
        context = {**menu, **_state(user, binding), "problem": problem, "typed": typed}
        status = STATUS_OF_KIND[problem.kind] if problem else 200
        return private(render(request, "surveys/me.html", context, status=status))


def _sent(address: str) -> str:
    if address:
        return _("A link is on its way to %(address)s. It works for seven days.") % {"address": address}
    return _("If the directory has this address, a link is on its way to its owner. It works for seven days.")


def _address(request: HttpRequest) -> str:
    language = request.GET.get("lang", "")
    return reverse("surveys:me") + (f"?lang={language}" if language.isalpha() else "")


def _state(user: User, binding: Any) -> dict[str, Any]:
    now = timezone.now()
    history = queries.history_of(binding.employee) if binding else []
    return {
        "binding": binding,
        "standing": queries.standing_of(binding) if binding else None,
        "suggestion": None if binding else queries.suggestion_for(user),
        "request_sent": queries.waiting_request(user, now),
        "waiting": operations.waiting_for(user=user, now=now),
        "closed": [
            (series, operations.other_of(series, operations.side_of(series, binding.employee)))
            for series in operations.closed_to(user=user, now=now)
        ],
        "has_own_password": user.has_own_password,
        "history": _lines(history, user),
    }


def _lines(history: Any, user: User) -> list[tuple[BindingEvent, str, str]]:
    names = names_of_actors(event.by for event in history) | {f"user:{user.pk}": _("you")}
    return [(event, change_in_words(event), names[event.by]) for event in history]


@login_required
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """What the link would do, and doing it. Opening it changes nothing."""
    user, now = _user(request), timezone.now()
    with spoken(request) as menu:
        try:
            if request.method == "POST":
                operations.confirm(token=token, user=user, now=now, adopts_directory_address="adopts" in request.POST)
                messages.success(request, _("Your account is confirmed."))
                return redirect(_address(request))
            pending = operations.open_link(token=token, user=user, now=now)
        except Problem as problem:
            context = {**menu, "problem": problem}
            status = STATUS_OF_KIND[problem.kind]
            return private(render(request, "surveys/confirm_refused.html", context, status=status))
        return private(render(request, "surveys/confirm.html", {**menu, "pending": pending}))
