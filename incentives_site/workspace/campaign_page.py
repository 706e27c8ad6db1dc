"""One campaign: the promise, whom it is for, what it has brought, and the buttons of its life."""

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns import operations
from campaigns import queries as campaign_queries
from campaigns.models import Campaign, Status
from campaigns.views.admission import READERS, may_write
from campaigns.views.audience import size_of
from campaigns.wording import audience_in_words, incentive_in_words, obstacle_in_words
from incentives_site.accounts.roles import for_roles
from incentives_site.shared.htmx import page_or_fragment
from incentives_site.shared.money import format_money
from redemptions import queries
from redemptions.queries import CampaignResults, Totals
from surveys import queries as survey_queries

from .campaign_list import in_percent
from .home import budget_bar
from .live import announce_new, newest_key

RECENT_SHOWN = 10
INCENTIVES_A_PAGE = 10
SOURCES = {"completejourney", "demo"}


@for_roles(*READERS)
def detail(request: HttpRequest, public_id: str) -> HttpResponse:
    """The page; an htmx request gets the figures and the newest redemptions, which change while one looks."""
    campaign = campaign_queries.campaign_by_public_id(public_id)
    recent = list(queries.recent_redemptions(campaign, RECENT_SHOWN))
    template = page_or_fragment(request, page="campaigns/detail.html", fragment="campaigns/_live.html")
    budget = campaign_queries.budget(campaign)
    context: dict[str, Any] = {
        "campaign": campaign,
        "recent": recent,
        "newest_key": newest_key(recent),
        "budget": budget_bar(campaign, budget),
        "is_running": campaign.status in {Status.LIVE, Status.PAUSED, Status.SCHEDULED},
    }
    if template == "campaigns/_live.html":
        context["figures"] = _figures(campaign, queries.campaign_summaries([campaign.pk])[campaign.pk])
    else:
        results = queries.campaign_results(campaign)
        context |= {"figures": _figures(campaign, results.totals), **_page(request, campaign, results)}
    return announce_new(request, render(request, template, context), recent)


def _page(request: HttpRequest, campaign: Campaign, results: CampaignResults) -> dict[str, Any]:
    writes = may_write(request)
    shown = Paginator(results.by_incentive, INCENTIVES_A_PAGE).get_page(request.GET.get("results"))
    return {
        "feedback": survey_queries.feedback_of_campaign(campaign.pk, today=timezone.localdate()),
        "crumbs": [{"label": _("Campaigns"), "url": reverse("campaigns:list")}, {"label": campaign.name}],
        "channels": list(campaign.channels.all()),
        "results": results,
        "chart": _by_day(results),
        "by_incentive": shown,
        "incentives": _incentives(campaign, request),
        "audience_words": audience_in_words(campaign.audience, campaign.currency),
        "size": size_of(campaign.audience, campaign.currency) if "audience" in request.GET else None,
        "may_write": writes,
        "may_edit": writes and campaign.status in operations.REVISABLE,
        "missing": _missing(campaign) if writes else [],
        "is_from_source": campaign.source in SOURCES,
        "is_chosen_by_source": bool(campaign.source) and campaign.audience is None and campaign.status == Status.ENDED,
    }


def _missing(campaign: Campaign) -> list[str]:
    """What would keep the button from working, said before it is pressed."""
    if campaign.status not in {Status.DRAFT, Status.PAUSED}:
        return []
    return [obstacle_in_words(fault) for fault in operations.obstacles(campaign=campaign, now=timezone.now())]


def _incentives(campaign: Campaign, request: HttpRequest) -> dict[str, Any]:
    found = campaign.incentives.select_related("stack_group").prefetch_related("limits").order_by("pk")
    page = Paginator(found, INCENTIVES_A_PAGE).get_page(request.GET.get("incentives"))
    shown = list(page.object_list)
    codes = campaign_queries.generic_codes([incentive.pk for incentive in shown])
    batches = campaign_queries.batch_counts([incentive.pk for incentive in shown])
    given = campaign_queries.names_of_given(shown)
    rows = []
    for incentive in shown:
        incentive.campaign = campaign
        first, *rest = incentive_in_words(incentive, given)
        rows.append(
            {
                "incentive": incentive,
                "effect": first,
                "words": rest,
                "code": codes.get(incentive.pk, ""),
                "batches": batches.get(incentive.pk),
            }
        )
    return {
        "page": page,
        "rows": rows,
        "are_recorded": all(incentive.effect.get("type") == "recorded" for incentive in shown),
    }


def _figures(campaign: Campaign, totals: Totals) -> list[dict[str, Any]]:
    recorded = totals.redemptions - totals.discount_unrecorded
    discount, discount_hint = format_money(totals.discount, campaign.currency), ""
    if totals.redemptions and not recorded:
        discount = _("not recorded")
    if totals.discount_unrecorded:
        discount_hint = _("recorded for %(n)s of %(all)s redemptions") % {
            "n": f"{recorded:,}",
            "all": f"{totals.redemptions:,}",
        }
    return [
        {
            "label": _("Targeted"),
            "value": f"{totals.targeted:,}",
            "hint": _granted(totals),
        },
        {
            "label": _("Redeemed"),
            "value": f"{totals.redemptions:,}",
            "hint": ngettext("by %(n)s customer", "by %(n)s customers", totals.redeemers) % {"n": f"{totals.redeemers:,}"},
        },
        {
            "label": _("Redemption rate"),
            "value": in_percent(totals.redemption_rate),
            "hint": _("customers who redeemed ÷ targeted") if totals.targeted else _("nobody targeted yet"),
        },
        {
            "label": _("Discount"),
            "value": discount,
            "hint": discount_hint,
        },
        {
            "label": _("Attributed revenue"),
            "value": format_money(totals.revenue, campaign.currency),
            "hint": _("paid for the orders, not what the campaign added"),
        },
    ]


def _granted(totals: Totals) -> str:
    if totals.granted is None:
        return _("grants not recorded by the source")
    if not totals.granted:
        return _("no grant given")
    return ngettext("%(n)s grant given", "%(n)s grants given", totals.granted) % {"n": f"{totals.granted:,}"}


def _by_day(results: CampaignResults) -> dict[str, Any] | None:
    """The chart; nothing with fewer than two days."""
    if len(results.by_day) < 2:
        return None
    return {
        "kind": "bar",
        "label_title": _("Day"),
        "labels": [day.on for day in results.by_day],
        "series": [{"name": _("Redemptions"), "values": [day.redemptions for day in results.by_day]}],
    }
