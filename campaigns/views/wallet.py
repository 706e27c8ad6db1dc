"""The public wallet: what a customer holds, how much longer, how to use it; opened by a signed link, without signing in."""

from collections.abc import Mapping

import segno
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from campaigns import queries
from campaigns.models import GrantState
from campaigns.queries import WalletItem
from campaigns.rules.candidates import Reason
from campaigns.wording import incentive_in_words, own_sentence


@require_safe
def wallet(request: HttpRequest, token: str) -> HttpResponse:
    """Opening the link changes nothing: mail scanners open every link."""
    customer = queries.customer_of_wallet(token)
    items = queries.wallet(customer, now=timezone.now(), most=100)
    given = queries.names_of_given(item.grant.incentive for item in items if item.is_usable)
    usable = [_card(item, given) for item in items if item.is_usable]
    past = [(item, _own_sentence(item)) for item in items if not item.is_usable]
    response = render(request, "campaigns/wallet.html", {"usable": usable, "past": past})
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
