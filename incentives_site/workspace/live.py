"""Lists that refresh while somebody looks: what is new is said to screen readers, once."""

import json
from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.translation import ngettext

from incentives_site.shared.htmx import wants_fragment
from redemptions.models import AppliedIncentive


def newest_key(newest: Sequence[AppliedIncentive]) -> str:
    """Names what was shown last; it comes back as ``seen``."""
    return str(max((row.redemption.pk for row in newest), default=0))


def announce_new(request: HttpRequest, response: HttpResponse, newest: Sequence[AppliedIncentive]) -> HttpResponse:
    """Adds the sentence that is read out when rows came after the one the page names as ``seen``."""
    patch_vary_headers(response, ["HX-Request"])
    seen = request.GET.get("seen", "")
    if wants_fragment(request) and seen.isascii() and seen.isdigit():
        fresh = sum(row.redemption.pk > int(seen[:18]) for row in newest)
        if fresh:
            sentence = ngettext("%(n)s new redemption", "%(n)s new redemptions", fresh) % {"n": fresh}
            response["HX-Trigger"] = json.dumps({"announce": sentence})
    return response
