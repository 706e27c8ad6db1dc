"""The first page after signing in: live numbers and what needs attention, or the way to one's own work."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from campaigns import queries as campaign_queries
from campaigns.models import Campaign, Status
from campaigns.views.admission import READERS, may_write
from incentives_site.accounts.roles import Role
from incentives_site.shared.htmx import page_or_fragment
from incentives_site.shared.money import format_money
from redemptions import queries
from redemptions.queries import Attention, Headline, Reason

from .home_voice import voice
from .live import announce_new, newest_key

LIVE_SHOWN = 6
NEWEST_SHOWN = 8
LIVE_ADDRESS = "home"


@login_required
def home(request: HttpRequest) -> HttpResponse:
    roles = request.user.roles  # type: ignore[union-attr]
    if set(READERS) & roles:
        return _overview(request)
    if Role.STORE in roles:
        return render(request, "home/counter.html", {})
    if {Role.HR, Role.MANAGER} & roles:
        return voice(request)
    return render(request, "home/quiet.html", {})


def _overview(request: HttpRequest) -> HttpResponse:
    """Numbers, attention and campaigns; an htmx request gets the parts that change while one looks."""
    template = page_or_fragment(request, page="home/index.html", fragment="home/_live.html")
    now = timezone.now()
    headline = queries.headline(now)
    newest = list(queries.recent_redemptions(limit=NEWEST_SHOWN))
    context: dict[str, Any] = {
        "figures": _figures(headline),
        "newest": newest,
        "newest_key": newest_key(newest),
        "now": now,
        "may_write": may_write(request),
    }
    if template == "home/index.html":
        context |= {
            "attention": [_attention(item) for item in headline.attention[:LIVE_SHOWN]],
            "more_attention": max(0, len(headline.attention) - LIVE_SHOWN),
            "live": _live_campaigns(),
            "live_count": headline.live_campaigns,
            "has_campaigns": bool(headline.live_campaigns) or Campaign.objects.exists(),
        }
    return announce_new(request, render(request, template, context), newest)


def _figures(headline: Headline) -> list[dict[str, Any]]:
    week, before, ever = headline.this_week, headline.week_before, headline.all_time
    currency = headline.currency
    return [
        {
            "label": _("Live campaigns"),
            "value": f"{headline.live_campaigns:,}",
            "hint": _("%(n)s grants held in wallets") % {"n": f"{headline.held_grants:,}"},
            "url": reverse("campaigns:list") + "?status=live",
        },
        {
            "label": _("Redemptions, 7 days"),
            "value": f"{week.redemptions:,}",
            "hint": _("%(n)s in all") % {"n": f"{ever.redemptions:,}"},
            "points": headline.days if any(headline.days) else None,
            "points_label": _("Redemptions a day, the last 30 days"),
            **_trend(week.redemptions, before.redemptions),
        },
        {
            "label": _("Discount, 7 days"),
            "value": format_money(week.discount, currency),
            "hint": _("%(amount)s in all") % {"amount": format_money(ever.discount, currency)},
        },
        {
            "label": _("Attributed revenue, 7 days"),
            "value": format_money(week.revenue, currency),
            "hint": _("%(amount)s in all, paid for orders with an incentive") % {"amount": format_money(ever.revenue, currency)},
        },
    ]


def _trend(now: int, before: int) -> dict[str, str]:
    """Compared with the seven days before; from nothing there is no percentage."""
    if not before or now == before:
        return {}
    change = (now - before) * 100 / before
    return {
        "trend": f"{'+' if change > 0 else '−'}{abs(change):.0f} %",
        "trend_direction": "up" if change > 0 else "down",
    }


def _attention(item: Attention) -> dict[str, Any]:
    campaign = reverse("campaigns:detail", args=[item.campaign])
    match item.reason:
        case Reason.ENDS_SOON if item.ends_at is not None:
            when = date_format(localtime(item.ends_at), "DATETIME_FORMAT")
            return {"icon": "clock", "name": item.name, "url": campaign, "text": _("ends %(when)s (UTC)") % {"when": when}}
        case Reason.BUDGET_NEARLY_USED:
            text = _("%(percent)s %% of the budget is used") % {"percent": item.percent}
            return {"icon": "coin", "name": item.name, "url": campaign, "text": text}
        case Reason.NOT_REDEEMED:
            return {"icon": "hourglass", "name": item.name, "url": campaign, "text": _("live, but nobody has redeemed yet")}
    return {
        "icon": "pencil",
        "name": item.name,
        "url": campaign,
        "text": _("a draft without an incentive"),
    }


def _live_campaigns() -> list[dict[str, Any]]:
    rows = list(campaign_queries.campaigns(status=Status.LIVE)[:LIVE_SHOWN])
    ids = [row.pk for row in rows]
    budgets, totals = campaign_queries.budgets(ids), queries.campaign_summaries(ids)
    return [{"campaign": row, "totals": totals[row.pk], "budget": budget_bar(row, budgets.get(row.pk))} for row in rows]


def budget_bar(campaign: Campaign, budget: tuple[int, int] | None) -> dict[str, Any] | None:
    """What the progress component shows of a budget; ``None`` without one."""
    if budget is None:
        return None
    maximum, spent = budget
    percent = spent * 100 // maximum if maximum else 100
    return {
        "max": maximum,
        "spent": spent,
        "left": max(maximum - spent, 0),
        "percent": percent,
        "level": "danger" if percent >= 90 else "warning" if percent >= 75 else "",
        "label": _("Budget used of “%(name)s”") % {"name": campaign.name},
    }
