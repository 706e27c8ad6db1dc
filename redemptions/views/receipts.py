"""Receipts: what was redeemed, line by line, and taking units of it back after seeing what that does."""

from collections.abc import Mapping
from typing import Any

import segno
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRedirect

from incentives_site.accounts.roles import for_roles
from incentives_site.shared.htmx import page_or_fragment
from incentives_site.shared.problems import Invalid, Problem
from incentives_site.shared.statuses import STATUS_OF_KIND
from redemptions import operations, queries, sealing
from redemptions.forms import ReturnForm
from redemptions.models import Redemption
from redemptions.wording import POINTS, effects_in_words, tender_label

from .till import CASHIERS, posted_amount, stores_of, zone_of


@for_roles(*CASHIERS)
def receipt_list(request: HttpRequest) -> HttpResponse:
    """Receipts found by what was typed; what a scanner types from a receipt leads straight to it."""
    words = request.GET.get("q", "")
    scanned = queries.redemption_by_reference(words)
    if scanned is not None:
        address = reverse("redemptions:receipt", args=[scanned.public_id])
        return HttpResponseClientRedirect(address) if request.htmx else redirect(address)  # type: ignore[attr-defined]
    found = queries.receipts(words, now=timezone.now(), stores=request.user.receipt_stores)  # type: ignore[union-attr]
    page = Paginator(found[:500], 25).get_page(request.GET.get("page"))
    template = page_or_fragment(request, page="redemptions/receipts.html", fragment="redemptions/_receipts.html")
    with timezone.override(zone_of(stores_of(request).first())):
        return render(request, template, {"words": words, "page": page})


@for_roles(*CASHIERS)
def receipt(request: HttpRequest, public_id: str) -> HttpResponse:
    return _render(request, _own(request, public_id))


@for_roles(*CASHIERS)
@require_POST
def give_back(request: HttpRequest, public_id: str) -> HttpResponse:
    """``intent``: ``preview`` some units, ``preview-all``, or ``confirm`` what was previewed."""
    redemption = _own(request, public_id)
    form = ReturnForm(request.POST, rows=queries.order_lines(redemption))
    if not form.is_valid():
        return _render(request, redemption, form=form, status=422)
    intent = request.POST.get("intent", "preview")
    everything = intent == "preview-all" or (intent == "confirm" and bool(request.POST.get("everything")))
    units = None if everything else form.units
    try:
        if intent != "confirm":
            preview = operations.preview_return(redemption=redemption, units=units)
            return _render(request, redemption, form=form, preview=preview, everything=everything)
        operations.give_back(
            redemption=redemption,
            units=units,
            by=f"user:{request.user.pk}",
            now=timezone.now(),
            reason=form.cleaned_data["reason"],
            expected_amount=posted_amount(request, "expected_amount"),
        )
    except Invalid as problem:
        form.refuse(problem)
        return _render(request, redemption, form=form, status=422)
    except operations.ReturnChanged as problem:
        preview = operations.preview_return(redemption=redemption, units=units)
        return _render(request, redemption, form=form, preview=preview, everything=everything, problem=problem)
    except Problem as problem:
        return _render(request, redemption, form=form, problem=problem)
    return redirect(reverse("redemptions:receipt", args=[redemption.public_id]))


def _own(request: HttpRequest, public_id: str) -> Redemption:
    """A receipt that the signed-in person may serve."""
    return queries.redemption_by_public_id(public_id, stores=request.user.receipt_stores)  # type: ignore[union-attr]


def _render(
    request: HttpRequest,
    redemption: Redemption,
    *,
    form: ReturnForm | None = None,
    preview: operations.ReturnPreview | None = None,
    everything: bool = False,
    problem: Problem | None = None,
    status: int = 200,
) -> HttpResponse:
    paid = {line["line"]: line for line in redemption.decision.get("lines", [])}
    lines = [{**line, **paid.get(line.get("id", ""), {})} for line in redemption.basket.get("lines", [])]
    applied = list(redemption.applied.select_related("incentive", "campaign").order_by("position"))
    names = {str(row.incentive.public_id): row.incentive.name for row in applied}
    reference = sealing.reference(redemption.pk)
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
        "returns": _returns(redemption, names),
        "form": form or ReturnForm(rows=queries.order_lines(redemption)),
        "preview": preview,
        "preview_sentences": effects_in_words(preview.effects, names, redemption.currency) if preview else [],
        "everything": everything,
        "problem": problem,
        "is_recorded": bool(redemption.basket.get("recorded")),
        "reference": reference,
        "qr": segno.make(reference, micro=False).svg_data_uri(border=2, scale=5),
    }
    with timezone.override(zone_of(redemption.store)):
        return render(request, "redemptions/receipt.html", context, status=STATUS_OF_KIND[problem.kind] if problem else status)


def _returns(redemption: Redemption, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """What came back so far, oldest first."""
    rows = redemption.returns.prefetch_related("lines__line").order_by("returned_at", "id")
    return [
        {
            "row": row,
            "units": [(line.quantity, line.line.name or line.line.sku) for line in row.lines.all()],
            "sentences": effects_in_words(row.effects, names, redemption.currency),
        }
        for row in rows
    ]
