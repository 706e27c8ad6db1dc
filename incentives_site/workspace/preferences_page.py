"""The public preference page: what a customer wants to hear, how often and where; opened by a signed link, without signing in."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone, translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from campaigns import queries as campaign_queries
from customers import operations, queries
from customers.forms import DataRequestForm, PreferencesForm
from customers.models import Channel, Customer, DataRequestKind
from customers.operations import WORDING, Choice
from customers.rules.consent import ALL, How, Purpose
from incentives_site.shared.problems import Invalid

from .ended_link import ended_link
from .public import in_language_of, private

BY = "customer"
DONE = ("saved", "left", "back")
ASKED, TAKEN_BACK = "asked", "taken-back"


@require_http_methods(["GET", "HEAD", "POST"])
def preferences(request: HttpRequest, token: str) -> HttpResponse:
    """Opening the link changes nothing: mail scanners open every link."""
    opened = queries.opened_preferences(token)
    if not opened.is_current:
        return ended_link(request, opened.customer)
    customer = opened.customer
    with in_language_of(request, customer) as menu:
        answer = _changed(request, token, customer, menu) if request.method == "POST" else _page(request, customer, menu)
        return private(answer, has_form=True)


def _page(
    request: HttpRequest,
    customer: Customer,
    menu: dict[str, Any],
    form: PreferencesForm | None = None,
    asking: DataRequestForm | None = None,
    status: int = 200,
) -> HttpResponse:
    held = queries.preferences_of(customer)
    done = request.GET.get("done", "")
    waiting = list(queries.open_data_requests(customer))
    # What is confirmed is what holds: an old address confirms nothing.
    match done:
        case "asked":
            is_true = bool(waiting)
        case "taken-back":
            is_true = not waiting
        case _:
            is_true = done in DONE and (done == "left") is held.opted_out
    forms = {kind: DataRequestForm(customer=customer, kind=kind) for kind in DataRequestKind.values}
    if asking is not None and asking.prefix is not None:
        forms[asking.prefix] = asking
    context = {
        **menu,
        "form": form or PreferencesForm(customer=customer, today=operations.today_of(customer, timezone.now())),
        "opted_out": held.opted_out,
        "done": done if is_true and form is None and asking is None else "",
        "waiting": waiting,
        "may_ask": {kind: forms[kind] for kind in DataRequestKind.values if kind not in {row.kind for row in waiting}},
        "days_to_answer": operations.DAYS_TO_ANSWER,
        "wallet_url": campaign_queries.wallet_url(customer),
    }
    return render(request, "preferences/preferences.html", context, status=status)


def _changed(request: HttpRequest, token: str, customer: Customer, menu: dict[str, Any]) -> HttpResponse:
    now, does = timezone.now(), request.POST.get("does", "")
    said = {"customer": customer, "how": How.PREFERENCE_PAGE, "by": BY, "now": now, "wording": _wording()}
    if does == "leave":
        operations.opt_out(**said)  # type: ignore[arg-type]
        return _done(token, "left", menu)
    if does == "return":
        operations.opt_in(**said)  # type: ignore[arg-type]
        return _done(token, "back", menu)
    asked, _colon, kind = does.partition(":")
    if asked in {"ask", "take-back"} and kind in DataRequestKind.values:
        return _data_request(request, token, customer, menu, asked, DataRequestKind(kind))
    form = PreferencesForm(request.POST, customer=customer, today=operations.today_of(customer, now))
    if form.is_valid():
        try:
            operations.change_preferences(wanted=form.wanted, **said)  # type: ignore[arg-type]
        except Invalid as problem:
            for error in problem.errors:
                name = error.pointer.partition("/")[2].partition("/")[0]
                form.add_error(name if name in form.fields else None, str(error.detail))
        else:
            return _done(token, "saved", menu)
    return _page(request, customer, menu, form, status=422)


def _data_request(
    request: HttpRequest, token: str, customer: Customer, menu: dict[str, Any], asked: str, kind: DataRequestKind
) -> HttpResponse:
    """Asks for a copy of the data or for erasure, or takes that back."""
    now = timezone.now()
    if asked == "take-back":
        operations.withdraw_data_request(customer=customer, kind=kind, now=now)
        return _done(token, TAKEN_BACK, menu)
    form = DataRequestForm(request.POST, customer=customer, kind=kind)
    if form.is_valid():
        typed = form.cleaned_data.get("typed", "")
        language = translation.get_language() or ""
        try:
            operations.request_data(customer=customer, kind=kind, typed=typed, language=language, now=now)
        except Invalid as problem:
            for error in problem.errors:
                form.add_error("typed", str(error.detail))
        else:
            return _done(token, ASKED, menu)
    return _page(request, customer, menu, asking=form, status=422)


def _done(token: str, done: str, menu: dict[str, Any]) -> HttpResponse:
    lang = f"&lang={menu['lang']}" if menu["lang"] else ""
    return HttpResponseRedirect(f"{reverse('preferences', args=[token])}?done={done}{lang}")


def _wording() -> str:
    """Which words were agreed to: the version of the page, and its language."""
    return f"{WORDING}-{translation.get_language()}"


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """The address of ``List-Unsubscribe`` (RFC 8058): a POST from anywhere, without cookie or form, is enough; its answer is 200.

    The link is signed and names one customer and the channel of the message: nobody can make somebody else's. A GET asks.
    """
    opened, channel = queries.opened_unsubscribe(token)
    customer = opened.customer
    with in_language_of(request, customer) as menu:
        is_done = request.method == "POST"
        if is_done:
            _unsubscribed(request, customer, channel)
        context = {
            **menu,
            "channel": channel,
            "is_done": is_done,
            "preferences_url": queries.preferences_url(customer) if opened.is_current else "",
        }
        return private(render(request, "preferences/unsubscribe.html", context))


def _unsubscribed(request: HttpRequest, customer: Customer, channel: Channel | None) -> None:
    how = How.ONE_CLICK if request.POST.get("List-Unsubscribe") == "One-Click" else How.PREFERENCE_PAGE
    said = {"customer": customer, "how": how, "by": BY, "now": timezone.now(), "wording": _wording()}
    if channel is None:
        operations.opt_out(**said)  # type: ignore[arg-type]
    else:
        operations.record_consent(choices=[Choice(False, channel.key, Purpose.MARKETING, ALL)], **said)  # type: ignore[arg-type]
