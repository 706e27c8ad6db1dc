"""All campaigns, with what each has brought."""

import json
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.translation import ngettext

from campaigns import queries as campaign_queries
from campaigns.models import Campaign, Goal, Status
from campaigns.views.admission import READERS, may_write
from customers.models import Channel
from incentives_site.accounts.roles import for_roles
from incentives_site.shared.htmx import page_or_fragment, wants_fragment
from redemptions import queries

from .home import budget_bar

PER_PAGE = 20
FILTERS = ("status", "goal", "channel")


@for_roles(*READERS)
def campaign_list(request: HttpRequest) -> HttpResponse:
    """Filtered by ``q``, ``status``, ``goal`` and ``channel``; an htmx request gets the table alone."""
    words = request.GET.get("q", "").strip()[:200]
    chosen = {name: request.GET.get(name, "") for name in FILTERS}
    found = campaign_queries.campaigns(words=words, **chosen)
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    context: dict[str, Any] = {
        "page": page,
        "rows": _rows(list(page.object_list)),
        "is_filtered": bool(words or any(chosen.values())),
        "may_write": may_write(request),
    }
    template = page_or_fragment(request, page="campaigns/list.html", fragment="campaigns/_list.html")
    if template == "campaigns/list.html":
        context |= {
            "words": words,
            "filters": [
                ("status", Status.choices, chosen["status"]),
                ("goal", Goal.choices, chosen["goal"]),
                ("channel", list(Channel.objects.values_list("key", "name")), chosen["channel"]),
            ],
        }
    response = render(request, template, context)
    if wants_fragment(request):
        number = page.paginator.count
        sentence = ngettext("%(n)s campaign found", "%(n)s campaigns found", number) % {"n": number}
        response["HX-Trigger"] = json.dumps({"announce": sentence})
    patch_vary_headers(response, ["HX-Request"])
    return response


def _rows(campaigns: list[Campaign]) -> list[dict[str, Any]]:
    ids = [campaign.pk for campaign in campaigns]
    totals, budgets = queries.campaign_summaries(ids), campaign_queries.budgets(ids)
    return [
        {
            "campaign": campaign,
            "totals": totals[campaign.pk],
            "rate": in_percent(totals[campaign.pk].redemption_rate),
            "budget": budget_bar(campaign, budgets.get(campaign.pk)),
        }
        for campaign in campaigns
    ]


def in_percent(rate: Any) -> str:
    """A rate of 0…1 for reading; what is not known is a dash."""
    return "–" if rate is None else f"{rate * 100:.1f} %"
