"""The public wallet: what a customer holds, how much longer, how to use it; opened by a signed link, without signing in.

It can be installed, and opens without a network once it was loaded: a service worker keeps the page with its QR codes.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import segno
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from campaigns import queries
from campaigns.models import GrantState
from campaigns.queries import WalletItem
from campaigns.rules.candidates import Reason
from campaigns.wording import incentive_in_words, own_sentence
from customers.models import Customer
from incentives_site.navigation import BRAND
from surveys import operations as survey_operations
from surveys import queries as survey_queries
from surveys.wording import in_language

from .ended_link import ended_link
from .public import in_language_of, private
from .statement_page import balances, usual_currency

WORKER = Path(settings.BASE_DIR) / "static" / "js" / "wallet-worker.js"


@require_http_methods(["GET", "HEAD", "POST"])
def wallet(request: HttpRequest, token: str) -> HttpResponse:
    """Opening the link changes nothing: mail scanners open every link. A link that has ended can be replaced, and no more."""
    opened = queries.opened_wallet(token)
    if not opened.is_current:
        return ended_link(request, opened.customer)
    if request.method == "POST":
        return HttpResponseNotAllowed(["GET", "HEAD"])
    customer = opened.customer
    with in_language_of(request, customer) as menu:
        return private(render(request, "wallet/wallet.html", {**menu, **_contents(customer, token)}))


def _contents(customer: Customer, token: str) -> dict[str, Any]:
    items = queries.wallet(customer, now=timezone.now(), most=100)
    given = queries.names_of_given(item.grant.incentive for item in items if item.is_usable)
    usable = [_card(item, given) for item in items if item.is_usable]
    past = [(item, _own_sentence(item)) for item in items if not item.is_usable]
    return {
        "usable": usable,
        "past": past,
        "manifest": reverse("wallet-manifest", args=[token]),
        "now": timezone.now(),
        "preferences_url": reverse("wallet-preferences", args=[token]),
        "questions": _questions(customer),
        **balances(customer, usual_currency()),
    }


def _questions(customer: Customer) -> list[dict[str, Any]]:
    """What the customer was asked and may still answer."""
    asked = survey_queries.open_questions(customer, now=timezone.now())
    return [
        {
            "title": in_language(row.survey.title, row.survey.languages),
            "url": survey_operations.feedback_url(row),
            "promised": row.survey.incentive.name if row.survey.incentive else "",
        }
        for row in asked
    ]


@require_safe
def manifest(request: HttpRequest, token: str) -> HttpResponse:
    """What a browser needs to install the wallet: it starts at this customer's link."""
    opened = queries.opened_wallet(token)
    if not opened.is_current:
        return ended_link(request, opened.customer)
    with in_language_of(request, opened.customer):
        return private(JsonResponse(_manifest(token), content_type="application/manifest+json"))


def _manifest(token: str) -> dict[str, Any]:
    start = reverse("wallet", args=[token])
    icons = [
        {"src": static(f"img/wallet-{size}.png"), "sizes": f"{size}x{size}", "type": "image/png", "purpose": purpose}
        for size in (192, 512)
        for purpose in ("any", "maskable")
    ]
    return {
        "id": start,
        "name": _("Wallet · %(brand)s") % {"brand": BRAND},
        "short_name": _("Wallet"),
        "start_url": start,
        "scope": start,
        "display": "standalone",
        "background_color": "#f6f7f9",
        "theme_color": "#0a5bb5",
        "icons": icons,
    }


@require_safe
def worker(request: HttpRequest) -> HttpResponse:
    """The service worker: served here, as a worker may only look after what lies below its own address."""
    return HttpResponse(WORKER.read_bytes(), content_type="text/javascript", headers={"Cache-Control": "no-cache"})


# Why what is over can no longer be used, in the words of decisions.
REASONS = {
    GrantState.USED.value: Reason.CODE_USED,
    GrantState.EXPIRED.value: Reason.CODE_EXPIRED,
    GrantState.WITHDRAWN.value: Reason.NOT_LIVE,
}


def _own_sentence(item: WalletItem) -> str:
    """What the operator says to somebody who can no longer use it; empty unless something was written for just that."""
    if str(item.state) not in REASONS:
        return ""
    reason = REASONS[str(item.state)].value
    return own_sentence(reason, {reason: item.grant.incentive.sentences.get(reason, {})})


def _card(item: WalletItem, given: Mapping[str, str]) -> dict[str, object]:
    incentive = item.grant.incentive
    ends = [end for end in (item.grant.ends_at, incentive.campaign.ends_at) if end is not None]
    return {
        "item": item,
        "name": incentive.name,
        "promise": incentive.campaign.promise,
        "conditions": incentive_in_words(incentive, given),
        "channels": [channel.name for channel in incentive.campaign.channels.all() if channel.can_redeem],
        "ends_at": min(ends) if ends else None,
        "qr": segno.make(item.code, micro=False).svg_data_uri(border=2, scale=5) if item.code else "",
    }
