"""Receipts: what was redeemed, line by line, and taking it back."""

from typing import Any

import segno
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from incentives_site.accounts.roles import for_roles
from incentives_site.shared.htmx import page_or_fragment
from incentives_site.shared.problems import Problem
from incentives_site.shared.statuses import STATUS_OF_KIND
from redemptions import operations, queries
from redemptions.models import Redemption
from redemptions.wording import POINTS, tender_label

from .till import CASHIERS, stores_of, zone_of


@for_roles(*CASHIERS)
def receipt_list(request: HttpRequest) -> HttpResponse:
    words = request.GET.get("q", "")
    page = Paginator(queries.receipts(words, now=timezone.now())[:500], 25).get_page(request.GET.get("page"))
    template = page_or_fragment(request, page="redemptions/receipts.html", fragment="redemptions/_receipts.html")
    with timezone.override(zone_of(stores_of(request).first())):
        return render(request, template, {"words": words, "page": page})


@for_roles(*CASHIERS)
def receipt(request: HttpRequest, public_id: str) -> HttpResponse:
    return _render(request, queries.redemption_by_public_id(public_id))


@for_roles(*CASHIERS)
@require_POST
def return_everything(request: HttpRequest, public_id: str) -> HttpResponse:
    redemption = queries.redemption_by_public_id(public_id)
    try:
        operations.give_back(
            redemption=redemption, by=f"user:{request.user.pk}", now=timezone.now(), reason=request.POST.get("reason", "")
        )
    except Problem as problem:
        return _render(request, redemption, problem=problem)
    return redirect(reverse("redemptions:receipt", args=[redemption.public_id]))


def _render(request: HttpRequest, redemption: Redemption, *, problem: Problem | None = None) -> HttpResponse:
    paid = {line["line"]: line for line in redemption.decision.get("lines", [])}
    lines = [{**line, **paid.get(line.get("id", ""), {})} for line in redemption.basket.get("lines", [])]
    applied = redemption.applied.select_related("incentive", "campaign").order_by("position")
    context: dict[str, Any] = {
        "redemption": redemption,
        "number": str(redemption.public_id)[:8].upper(),
        "lines": lines,
        "applied": applied,
        "tenders": [
            {
                "label": tender_label(tender.kind),
                "amount": tender.amount,
                "points": tender.units if tender.kind == POINTS else None,
            }
            for tender in redemption.tenders.order_by("position")
        ],
        "earned": queries.earned_by(redemption),
        "now": timezone.now(),
        "returns": redemption.returns.order_by("returned_at"),
        "problem": problem,
        "is_recorded": bool(redemption.basket.get("recorded")),
        "qr": segno.make(request.build_absolute_uri(reverse("redemptions:receipt", args=[redemption.public_id]))).svg_data_uri(
            border=2, scale=4
        ),
    }
    status = STATUS_OF_KIND[problem.kind] if problem else 200
    with timezone.override(zone_of(redemption.store)):
        return render(request, "redemptions/receipt.html", context, status=status)
