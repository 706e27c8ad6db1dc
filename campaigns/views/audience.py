"""How many customers an audience has, counted while somebody types or looks."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from campaigns import queries
from campaigns.forms import audience_form
from campaigns.wording import audience_in_words
from customers import queries as customer_queries
from customers.models import Customer
from customers.rules.conditions import AUDIENCE_FACTS, parse
from customers.rules.faults import Misunderstood
from incentives_site.accounts.roles import for_roles

from .admission import READERS, WRITERS


def size_of(audience: Any, currency: str) -> dict[str, Any]:
    """What ``campaigns/_audience_size.html`` shows for an audience in the condition language."""
    try:
        condition = parse(audience, facts=AUDIENCE_FACTS, pointer="/audience")
    except Misunderstood as error:
        return {"faults": [fault.detail for fault in error.faults]}
    found = customer_queries.matching(condition)
    size = found.count()
    return {
        "size": size,
        "opted_out": size - customer_queries.who_may_be_addressed(found).count(),
        "everybody": Customer.objects.count(),
        "words": audience_in_words(audience, currency),
    }


@for_roles(*WRITERS)
def typed_audience_size(request: HttpRequest, public_id: str) -> HttpResponse:
    """Of the conditions as they are typed now; nothing is saved."""
    campaign = queries.campaign_by_public_id(public_id)
    form = audience_form(request.GET, currency=campaign.currency)
    context = size_of(form.condition, campaign.currency) if form.is_valid() else {"faults": form.errors}
    return render(request, "campaigns/_audience_size.html", context)


@for_roles(*READERS)
def audience_size(request: HttpRequest, public_id: str) -> HttpResponse:
    """Of a campaign's saved audience."""
    campaign = queries.campaign_by_public_id(public_id)
    return render(request, "campaigns/_audience_size.html", size_of(campaign.audience, campaign.currency))
