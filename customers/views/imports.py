"""Customers in and out as files: an import is sent, named, checked and run; a list is taken out as CSV."""

import csv
from collections.abc import Iterator
from typing import Any, cast

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from incentives_site.accounts.roles import for_roles
from incentives_site.shared.htmx import page_or_fragment
from incentives_site.shared.kept_files import takes_file
from incentives_site.shared.problems import Invalid, NotFound, Problem
from incentives_site.shared.statuses import STATUS_OF_KIND

from .. import operations, queries
from ..forms import CustomerFileForm, MeaningsForm
from ..models import CustomerImport, ImportState
from ..wording import why_line_refused, why_no_table
from .admission import WRITERS, actor, named_actors

MOVING = (ImportState.READING, ImportState.CHECKING, ImportState.RUNNING)
MOST_REFUSED = 50


class ImportUnknown(NotFound):
    code = "import-unknown"
    title = gettext_lazy("There is no such import")


def _crumbs(*labels: str) -> list[dict[str, str]]:
    trail = [{"label": _("Customers"), "url": reverse("customers:search")}, {"label": _("Import")}]
    if labels:
        trail[1]["url"] = reverse("customers:imports")
    return [*trail, *({"label": label} for label in labels)]


@takes_file(operations.MOST_IMPORTED_BYTES)
@for_roles(*WRITERS)
def imports(request: HttpRequest) -> HttpResponse:
    """Send a file; the imports so far."""
    form = CustomerFileForm(*((request.POST, request.FILES) if request.method == "POST" else ()))
    status = 200
    if request.method == "POST":
        if form.is_valid():
            file = form.cleaned_data["file"]
            row = operations.begin_import(file=file.file, name=file.name, size=file.size, by=actor(request), now=timezone.now())
            return redirect("customers:import", public_id=row.public_id)
        status = 422
    rows = list(CustomerImport.objects.all()[:20])
    people = named_actors([row.created_by for row in rows])
    context = {"crumbs": _crumbs(), "form": form, "rows": [{"is": row, "by": people[row.created_by]} for row in rows]}
    return render(request, "customers/imports.html", context, status=status)


def _import(public_id: str) -> CustomerImport:
    row = CustomerImport.objects.filter(public_id=public_id).first()
    if row is None:
        raise ImportUnknown
    return row


@for_roles(*WRITERS)
def customer_import(request: HttpRequest, public_id: str) -> HttpResponse:
    """One import, at the point where it is."""
    row = _import(public_id)
    return _shown(request, row, _meanings_form(row))


def _meanings_form(row: CustomerImport, data: Any = None) -> MeaningsForm:
    return MeaningsForm(data, columns=row.head.get("columns", []), meanings=row.meanings, wording=row.wording)


def _shown(
    request: HttpRequest, row: CustomerImport, form: MeaningsForm, problem: Problem | None = None, *, status: int = 200
) -> HttpResponse:
    is_named = row.state in {ImportState.MAPPING, ImportState.CHECKED}
    samples = list(zip(*operations.sample_of(row), strict=True)) if is_named else []
    columns = [
        {"field": form[name], "head": head, "samples": [cell for cell in (samples[n] if samples else ()) if cell][:3]}
        for n, (name, head) in enumerate(zip(form.names, row.head.get("columns", []), strict=True))
    ]
    counts = row.counts
    context = {
        "crumbs": _crumbs(row.name),
        "row": row,
        "form": form,
        "columns": columns,
        "problem": problem,
        "is_named": is_named,
        "is_moving": row.state in MOVING,
        "may_cancel": row.state in {ImportState.MAPPING, ImportState.CHECKED, *MOVING},
        "figures": [
            {"label": label, "value": counts.get(key, 0)}
            for key, label in (
                ("new", _("New customers")), ("known", _("Known already")),
                ("erased", _("Erased before: left out")), ("refused", _("Refused")),
            )
        ] if counts else [],
        "reasons": [
            {"why": why_line_refused(key.removeprefix("why:")), "count": count}
            for key, count in sorted(counts.items()) if key.startswith("why:")
        ],
        "failure": why_no_table(row.failure) if row.failure else "",
    }  # fmt: skip
    template = page_or_fragment(request, page="customers/import.html", fragment="customers/_import.html")
    return render(request, template, context, status=STATUS_OF_KIND[problem.kind] if problem else status)


@for_roles(*WRITERS)
@require_POST
def change_import(request: HttpRequest, public_id: str) -> HttpResponse:
    """Check, run or give up."""
    row, now = _import(public_id), timezone.now()
    form = _meanings_form(row)
    try:
        match request.POST.get("does"):
            case "check":
                form = _meanings_form(row, request.POST)
                if not form.is_valid():
                    return _shown(request, row, form, status=422)
                operations.order_check(row=row, meanings=form.meanings, wording=form.cleaned_data["wording"], now=now)
            case "run":
                operations.order_run(row=row, now=now)
            case "cancel":
                operations.cancel_import(row=row, now=now)
    except Invalid as problem:
        for error in problem.errors:
            form.add_error("wording" if error.pointer == "/wording" else None, _sentence(error.code, str(error.detail)))
        return _shown(request, row, form, status=422)
    except Problem as problem:
        row.refresh_from_db()
        return _shown(request, row, form, problem)
    return redirect("customers:import", public_id=row.public_id)


def _sentence(code: str, detail: str) -> str:
    words = {
        "no-identity": _("At least one column has to say who it is: an e-mail address, card, phone number or account."),
        "twice": _("Two columns mean the same: only identifiers may stand in several."),
    }
    return words.get(code, detail)


@for_roles(*WRITERS)
def import_report(request: HttpRequest, public_id: str) -> HttpResponse:
    """What became of every line, as CSV: numbers and reasons, nothing of what the lines say."""
    row = _import(public_id)
    results = {"new": _("new"), "known": _("known"), "erased": _("erased before"), "refused": _("refused")}
    sentences: dict[str, str] = {}

    def why(reasons: list[str]) -> str:
        return " ".join(sentences.setdefault(reason, why_line_refused(reason)) for reason in reasons)

    def lines() -> Iterator[str]:
        writer = csv.writer(_Echo())
        yield "\ufeff" + writer.writerow([_("line"), _("result"), _("why")])
        for number, result, reasons in operations.report_of(row):
            yield writer.writerow([number, results.get(result, result), why(reasons)])

    return _as_file(lines(), f"import-{row.public_id}.csv")


class _Echo:
    def write(self, line: str) -> str:
        return line


def _as_file(lines: Iterator[str], name: str) -> HttpResponse:
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return cast("HttpResponse", response)  # Django keeps them apart; the door only looks at who comes in


@for_roles(*WRITERS)
@require_POST
def export_list(request: HttpRequest) -> HttpResponse:
    """The customers of a search or a segment as CSV; who took them is written down, so it is not a link."""
    words = request.POST.get("q", "").replace("\x00", "")[:200]
    found, about = queries.customers_of(words=words, segment=request.POST.get("segment", ""))
    receipt = operations.begin_list_export(about=about, count=found.count(), by=actor(request), now=timezone.now())
    return _as_file(queries.customers_as_csv(found), f"customers-{receipt.public_id}.csv")
