"""The preferences as the link of a wallet shows them: to be read. A link to a wallet may only look, also here."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from campaigns import queries as campaign_queries
from customers import operations, queries
from customers.forms import PreferencesForm

from .ended_link import ended_link
from .public import in_language_of, private


@require_safe
def wallet_preferences(request: HttpRequest, token: str) -> HttpResponse:
    """What holds for the customer, without a form that could be sent and without a link to one."""
    opened = campaign_queries.opened_wallet(token)
    if not opened.is_current:
        return ended_link(request, opened.customer)
    customer = opened.customer
    with in_language_of(request, customer) as menu:
        form = PreferencesForm(customer=customer, today=operations.today_of(customer, timezone.now()))
        for field in form.fields.values():
            field.disabled = True
        context = {
            **menu,
            "form": form,
            "opted_out": queries.preferences_of(customer).opted_out,
            "wallet_url": reverse("wallet", args=[token]),
        }
        return private(render(request, "wallet/preferences.html", context))
