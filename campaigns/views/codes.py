"""Batches of codes: those of an incentive, a form that shows what comes of it, progress, steps, export and import."""

import os
from collections.abc import Callable
from typing import Any, cast

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from campaigns import forms, operations, queries
from campaigns.forms.codes import POINTERS, BatchForm, ImportForm
from campaigns.models import BatchState, Claim, CodeBatch, CodeFile, Incentive, Status
from campaigns.rules import codes
from campaigns.rules.codes import Shape
from campaigns.wording import why_import_failed
from incentives_site.accounts.roles import for_roles
from incentives_site.shared.htmx import page_or_fragment
from incentives_site.shared.kept_files import takes_file
from incentives_site.shared.problems import Invalid, Problem
from incentives_site.shared.statuses import STATUS_OF_KIND

from .admission import READERS, WRITERS, actor, may_write

A_PAGE = 20
EXAMPLES = 5
UNFINISHED = {BatchState.WAITING, BatchState.RUNNING, BatchState.PAUSED, BatchState.FAILED}
MOVING = {BatchState.WAITING, BatchState.RUNNING}


def _incentive(public_id: str, incentive_id: str) -> Incentive:
    incentive = queries.incentive_by_public_id(incentive_id)
    if str(incentive.campaign.public_id) != str(public_id):
        raise queries.IncentiveUnknown
    return incentive


def _batch(public_id: str, incentive_id: str, batch_id: str) -> CodeBatch:
    batch = queries.batch_by_public_id(batch_id)
    if batch.incentive_id != _incentive(public_id, incentive_id).pk:
        raise queries.BatchUnknown
    return batch


def _context(request: HttpRequest, incentive: Incentive, *crumbs: str, **more: Any) -> dict[str, Any]:
    campaign = incentive.campaign
    here = reverse("campaigns:codes", args=[campaign.public_id, incentive.public_id])
    trail = [
        {"label": _("Campaigns"), "url": reverse("campaigns:list")},
        {"label": campaign.name, "url": reverse("campaigns:detail", args=[campaign.public_id])},
        {"label": _("Codes of %(name)s") % {"name": incentive.name}, **({"url": here} if crumbs else {})},
        *({"label": label} for label in crumbs),
    ]
    may_add = may_write(request) and campaign.status != Status.ENDED and incentive.claim == Claim.CODE
    return {
        "campaign": campaign,
        "incentive": incentive,
        "crumbs": trail,
        "may_write": may_write(request),
        "may_add": may_add,
        **more,
    }


@for_roles(*READERS)
def batches(request: HttpRequest, public_id: str, incentive_id: str) -> HttpResponse:
    """All batches of an incentive; an htmx request gets the list, which changes while one looks."""
    incentive = _incentive(public_id, incentive_id)
    page = Paginator(queries.batches_of(incentive), A_PAGE).get_page(request.GET.get("page"))
    is_moving = any(batch.state in MOVING for batch in page)
    template = page_or_fragment(request, page="campaigns/codes/batches.html", fragment="campaigns/codes/_batches.html")
    return render(request, template, _context(request, incentive, page=page, is_moving=is_moving))


@for_roles(*READERS)
def batch(request: HttpRequest, public_id: str, incentive_id: str, batch_id: str) -> HttpResponse:
    """One batch: how far it is, what can be done with it, the refused lines of an import."""
    return _shown(request, _batch(public_id, incentive_id, batch_id))


def _shown(request: HttpRequest, row: CodeBatch, problem: Problem | None = None) -> HttpResponse:
    template = page_or_fragment(request, page="campaigns/codes/batch.html", fragment="campaigns/codes/_batch.html")
    context = _context(
        request,
        row.incentive,
        row.name,
        batch=row,
        problem=problem,
        is_moving=row.state in MOVING,
        is_unfinished=row.state in UNFINISHED,
        may_export=row.state == BatchState.DONE and row.forgotten_at is None,
        used=queries.used_codes(row) if row.state == BatchState.DONE else 0,
        guesses=None if row.is_imported else operations.shape_of(row).guesses(row.count),
        file=CodeFile.objects.filter(batch=row).first() if row.is_imported else None,
        failure=why_import_failed(row.failure) if row.is_imported else row.failure,
        reasons=_reasons(row),
    )
    return render(request, template, context, status=STATUS_OF_KIND[problem.kind] if problem else 200)


def _reasons(row: CodeBatch) -> dict[str, Any] | None:
    """The report of an import, with its reasons in words."""
    if not row.report:
        return None  # also while an import is under way
    words = refusals_in_words()
    counted = [{"reason": words.get(reason, reason), "count": count} for reason, count in sorted(row.report["by_reason"].items())]
    first = [{"line": item["line"], "reason": words.get(item["reason"], item["reason"])} for item in row.report["first"]]
    return {**row.report, "counted": counted, "first": first}


def refusals_in_words() -> dict[str, str]:
    return {
        "empty": _("There is no code in it."),
        "too-short": _("The code has fewer than 6 characters."),
        "too-long": _("The code has more than 64 characters."),
        "bad-characters": _("A code has letters A to Z, digits, _ and separators only."),
        "repeated": _("The code stands earlier in the file."),
        "taken": _("The code opens something already."),
    }


@for_roles(*WRITERS)
def new(request: HttpRequest, public_id: str, incentive_id: str) -> HttpResponse:
    """Ask for codes. Without JavaScript a button shows what would come of it."""
    incentive = _incentive(public_id, incentive_id)
    zone = incentive.campaign.time_zone
    form = BatchForm(request.POST if request.method == "POST" else None, zone=zone)
    preview, status = None, 200
    if request.method == "POST":
        is_valid = form.is_valid()
        preview = _preview(form)
        if is_valid and request.POST.get("intent") != "preview":
            try:
                row = operations.order_codes(incentive=incentive, by=actor(request), now=timezone.now(), **form.terms)
                return redirect("campaigns:code-batch", public_id, incentive_id, row.public_id)
            except Invalid as problem:
                forms.place_errors(form, problem, POINTERS)
        status = 422 if form.errors else 200
    else:
        preview = preview_of(Shape(form["pattern"].value(), form["alphabet"].value(), True), form["count"].value())
    context = _context(request, incentive, _("Make codes"), form=form, preview=preview)
    return render(request, "campaigns/codes/new.html", context, status=status)


@for_roles(*WRITERS)
def new_preview(request: HttpRequest, public_id: str, incentive_id: str) -> HttpResponse:
    """Of what is typed now; nothing is saved."""
    incentive = _incentive(public_id, incentive_id)
    form = BatchForm(request.POST or request.GET, zone=incentive.campaign.time_zone)
    form.is_valid()
    return render(request, "campaigns/codes/_preview.html", {"preview": _preview(form)})


def _preview(form: BatchForm) -> dict[str, Any] | None:
    count = form.cleaned_data.get("count")
    return preview_of(form.shape, count) if form.shape and count else None


def preview_of(shape: Shape, count: int) -> dict[str, Any]:
    """Examples, drawn like the codes themselves and forgotten again; how many guesses find one; or why it cannot be."""
    faults = codes.faults_of(shape, count)
    if faults:
        return {"faults": [fault.detail for fault in faults]}
    return {
        "examples": list(codes.draw(shape, os.urandom, EXAMPLES)),
        "capacity": shape.capacity,
        "guesses": shape.guesses(count),
    }


@takes_file(operations.MOST_IMPORTED_BYTES)
@for_roles(*WRITERS)
def bring(request: HttpRequest, public_id: str, incentive_id: str) -> HttpResponse:
    """Send the codes of another system; a worker takes them, and the page of the batch shows how far it is."""
    incentive = _incentive(public_id, incentive_id)
    sent = (request.POST, request.FILES) if request.method == "POST" else ()
    form = ImportForm(*sent, zone=incentive.campaign.time_zone)
    status = 200
    if request.method == "POST":
        if form.is_valid():
            file = form.cleaned_data["file"]
            try:
                row = operations.order_import(
                    incentive=incentive, file=file.file, size=file.size, by=actor(request), now=timezone.now(), **form.terms
                )
                return redirect("campaigns:code-batch", public_id, incentive_id, row.public_id)
            except Invalid as problem:
                forms.place_errors(form, problem, POINTERS)
        status = 422
    return render(request, "campaigns/codes/import.html", _context(request, incentive, _("Import"), form=form), status=status)


def _step(request: HttpRequest, row: CodeBatch, make: Callable[[CodeBatch], CodeBatch]) -> HttpResponse:
    try:
        make(row)
    except Problem as problem:
        row.refresh_from_db()
        return _shown(request, row, problem)
    return redirect("campaigns:code-batch", row.incentive.campaign.public_id, row.incentive.public_id, row.public_id)


@for_roles(*WRITERS)
@require_POST
def step(request: HttpRequest, public_id: str, incentive_id: str, batch_id: str, *, verb: str) -> HttpResponse:
    """Pause, resume or cancel."""
    row, by = _batch(public_id, incentive_id, batch_id), actor(request)
    match verb:
        case "pause":
            return _step(request, row, lambda batch: operations.pause_batch(batch=batch, by=by))
        case "resume":
            return _step(request, row, lambda batch: operations.resume_batch(batch=batch, by=by))
        case "cancel":
            return _step(request, row, lambda batch: operations.cancel_batch(batch=batch, by=by, now=timezone.now()))
    raise Http404


@for_roles(*WRITERS)
@require_POST
def export(request: HttpRequest, public_id: str, incentive_id: str, batch_id: str) -> HttpResponse:
    """The codes as CSV; who took them is written down, so it is not a link."""
    row = _batch(public_id, incentive_id, batch_id)
    try:
        operations.begin_export(batch=row, by=actor(request), now=timezone.now())
    except Problem as problem:
        return _shown(request, row, problem)
    response = StreamingHttpResponse(queries.codes_as_csv(row), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="codes-{row.public_id}.csv"'
    return cast("HttpResponse", response)  # Django keeps them apart; the door only looks at who comes in
