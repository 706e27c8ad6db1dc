"""The public wallet: what a customer holds, how much longer, how to use it; opened by a signed link, without signing in.

It can be installed, and opens without a network once it was loaded: a service worker keeps the page with its QR codes.
"""

from collections.abc import Mapping
from pathlib import Path

import segno
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from campaigns import queries
from campaigns.models import GrantState
from campaigns.queries import WalletItem
from campaigns.rules.candidates import Reason
from campaigns.wording import incentive_in_words, own_sentence
from incentives_site.navigation import BRAND

from .statement_page import balances, usual_currency

WORKER = Path(settings.BASE_DIR) / "static" / "js" / "wallet-worker.js"


@require_safe
def wallet(request: HttpRequest, token: str) -> HttpResponse:
    """Opening the link changes nothing: mail scanners open every link."""
    customer = queries.customer_of_wallet(token)
    items = queries.wallet(customer, now=timezone.now(), most=100)
    given = queries.names_of_given(item.grant.incentive for item in items if item.is_usable)
    usable = [_card(item, given) for item in items if item.is_usable]
    past = [(item, _own_sentence(item)) for item in items if not item.is_usable]
    context = {
        "usable": usable,
        "past": past,
        "manifest": reverse("wallet-manifest", args=[token]),
        "now": timezone.now(),
        **balances(customer, usual_currency()),
    }
    return _private(render(request, "wallet/wallet.html", context))


@require_safe
def manifest(request: HttpRequest, token: str) -> HttpResponse:
    """What a browser needs to install the wallet: it starts at this customer's link."""
    queries.customer_of_wallet(token)
    start = reverse("wallet", args=[token])
    icons = [
        {"src": static(f"img/wallet-{size}.png"), "sizes": f"{size}x{size}", "type": "image/png", "purpose": purpose}
        for size in (192, 512)
        for purpose in ("any", "maskable")
    ]
    data = {
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
    return _private(JsonResponse(data, content_type="application/manifest+json"))


@require_safe
def worker(request: HttpRequest) -> HttpResponse:
    """The service worker: served here, as a worker may only look after what lies below its own address."""
    return HttpResponse(WORKER.read_bytes(), content_type="text/javascript", headers={"Cache-Control": "no-cache"})


def _private(response: HttpResponse) -> HttpResponse:
    # The address is the key to the wallet: it must not travel on to other sites, nor into shared caches and search engines.
    response["Referrer-Policy"] = "no-referrer"
    response["Cache-Control"] = "private, max-age=0"
    response["X-Robots-Tag"] = "noindex"
    return response


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
