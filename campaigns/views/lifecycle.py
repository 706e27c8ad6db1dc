"""Launch, pause, resume and end: one press of a button each."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from campaigns import operations, queries
from campaigns.models import Campaign, Status
from campaigns.wording import obstacle_in_words
from customers.rules.faults import Fault
from incentives_site.accounts.roles import for_roles
from incentives_site.shared.problems import Problem
from incentives_site.shared.statuses import STATUS_OF_KIND

from .admission import WRITERS, actor


def _step(request: HttpRequest, public_id: str, make: Callable[[Campaign], Campaign], done: str) -> HttpResponse:
    campaign = queries.campaign_by_public_id(public_id)
    try:
        campaign = make(campaign)
    except Problem as problem:
        campaign.refresh_from_db()
        return refused(request, campaign, problem)
    sentence = done or {
        Status.LIVE: _("The campaign is live."),
        Status.SCHEDULED: _("The campaign starts by itself at its time."),
        Status.ENDED: _("Its time is over: the campaign has ended."),
    }.get(Status(campaign.status), "")
    messages.success(request, sentence)
    return redirect("campaigns:detail", campaign.public_id)


def refused(request: HttpRequest, campaign: Campaign, problem: Problem) -> HttpResponse:
    """The buttons again, with what stood in the way beside them."""
    sentences = [obstacle_in_words(Fault(e.pointer, e.code, str(e.detail))) for e in problem.errors] or [str(problem.detail)]
    context = {
        "campaign": campaign,
        "may_write": True,
        "may_edit": campaign.status in operations.REVISABLE,
        "problem": problem,
        "sentences": sentences,
        "crumbs": [
            {"label": _("Campaigns"), "url": reverse("campaigns:list")},
            {"label": campaign.name, "url": reverse("campaigns:detail", args=[campaign.public_id])},
            {"label": _("Refused")},
        ],
    }
    return render(request, "campaigns/refused.html", context, status=STATUS_OF_KIND[problem.kind])


@for_roles(*WRITERS)
@require_POST
def launch(request: HttpRequest, public_id: str) -> HttpResponse:
    return _step(
        request, public_id, lambda campaign: operations.launch(campaign=campaign, by=actor(request), now=timezone.now()), ""
    )


@for_roles(*WRITERS)
@require_POST
def pause(request: HttpRequest, public_id: str) -> HttpResponse:
    done = _("The campaign is paused: nothing is given or redeemed until it is resumed.")
    return _step(request, public_id, lambda campaign: operations.pause(campaign=campaign, by=actor(request)), done)


@for_roles(*WRITERS)
@require_POST
def resume(request: HttpRequest, public_id: str) -> HttpResponse:
    return _step(
        request, public_id, lambda campaign: operations.resume(campaign=campaign, by=actor(request), now=timezone.now()), ""
    )


@for_roles(*WRITERS)
@require_POST
def end(request: HttpRequest, public_id: str) -> HttpResponse:
    done = _("The campaign has ended.")
    return _step(
        request, public_id, lambda campaign: operations.end(campaign=campaign, by=actor(request), now=timezone.now()), done
    )
