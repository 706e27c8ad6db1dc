"""The directory: departments as a tree, and imports of employees, validated first."""

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from customers.wording import why_line_refused, why_no_table
from incentives_site.accounts.roles import Role, for_roles
from incentives_site.shared.htmx import page_or_fragment
from incentives_site.shared.kept_files import takes_file
from incentives_site.shared.problems import NotFound, Problem
from incentives_site.shared.statuses import STATUS_OF_KIND

from .. import operations
from ..forms.directory import DirectoryForm
from ..models import Department, Employee, EmployeeImport, EmployeeImportState
from .admission import DIRECTORY, actor

REFUSED = 422
SHOWN_FAULTS = 100
SHOWN_IMPORTS = 10
MOVING = (EmployeeImportState.CHECKING, EmployeeImportState.RUNNING)


class EmployeeImportUnknown(NotFound):
    code = "employee-import-unknown"
    title = gettext_lazy("There is no such import of employees")


@for_roles(*DIRECTORY)
@require_safe
def tree(request: HttpRequest) -> HttpResponse:
    """Departments with how many work in them, and in all below."""
    rows = list(Department.objects.annotate(own=Count("employees", filter=Q(employees__is_active=True))))
    names = {row.key: row.name for row in rows}
    # As a reader looks for them: each below the one it is part of, by name.
    rows.sort(key=lambda row: [names.get(key, key).casefold() for key in row.path])
    below: dict[str, int] = {}
    for row in rows:
        for key in row.path:
            below[key] = below.get(key, 0) + row.own
    shown = [{"department": row, "depth": min(len(row.path), 8), "own": row.own, "all": below[row.key]} for row in rows]
    context = {
        "rows": shown,
        "active": Employee.objects.filter(is_active=True).count(),
        "inactive": Employee.objects.filter(is_active=False).count(),
        "is_hr": Role.HR in request.user.roles,  # type: ignore[union-attr]
    }
    return render(request, "surveys/directory.html", context)


def _crumbs(*labels: str) -> list[dict[str, str]]:
    trail = [{"label": _("Directory"), "url": reverse("surveys:directory")}, {"label": _("Import employees")}]
    if labels:
        trail[1]["url"] = reverse("surveys:directory-import")
    return [*trail, *({"label": label} for label in labels)]


@takes_file(operations.MOST_BYTES_OF_EMPLOYEES)
@for_roles(*DIRECTORY)
def bring_in(request: HttpRequest) -> HttpResponse:
    """Send a file, to be validated or imported by the worker; the latest imports."""
    form = DirectoryForm(*((request.POST, request.FILES) if request.method == "POST" else ()))
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        row = operations.order_employee_import(
            file=file.file,
            name=file.name,
            size=file.size,
            deactivates_missing=form.cleaned_data["deactivates_missing"],
            is_trial="take" not in request.POST,
            by=actor(request),
            now=timezone.now(),
        )
        return redirect("surveys:employee-import", public_id=row.public_id)
    context = {"form": form, "rows": EmployeeImport.objects.all()[:SHOWN_IMPORTS], "crumbs": _crumbs()}
    return render(request, "surveys/directory_import.html", context, status=REFUSED if form.errors else 200)


def _import(public_id: str) -> EmployeeImport:
    row = EmployeeImport.objects.filter(public_id=public_id).first()
    if row is None:
        raise EmployeeImportUnknown
    return row


@for_roles(*DIRECTORY)
@require_safe
def employee_import(request: HttpRequest, public_id: str) -> HttpResponse:
    """One import: how far it is, and what came of it."""
    return _shown(request, _import(public_id))


def _shown(request: HttpRequest, row: EmployeeImport, problem: Problem | None = None) -> HttpResponse:
    shown = row.faults[:SHOWN_FAULTS]
    is_moving = row.state in MOVING
    context = {
        "crumbs": _crumbs(row.name),
        "row": row,
        "problem": problem,
        "is_moving": is_moving,
        "may_run": row.state == EmployeeImportState.CHECKED,
        "may_cancel": is_moving or row.state == EmployeeImportState.CHECKED,
        "faults": [{**fault, "sentence": fault["sentence"] or why_line_refused(fault["code"])} for fault in shown],
        "more": len(row.faults) - len(shown),
        "failure": _why_failed(row.failure),
        "figures": [
            {"label": label, "value": row.outcome.get(key, 0)}
            for key, label in (
                ("new", _("New")), ("changed", _("Changed")), ("same", _("Unchanged")),
                ("deactivated", _("Deactivated")), ("departments", _("New departments")),
            )
        ] if row.outcome else [],
    }  # fmt: skip
    template = page_or_fragment(request, page="surveys/employee_import.html", fragment="surveys/_employee_import.html")
    return render(request, template, context, status=STATUS_OF_KIND[problem.kind] if problem else 200)


def _why_failed(code: str) -> str:
    sentences = {
        "not-csv": _("This is an Excel file. Save it as “CSV UTF-8”."),
        "no-rows": _("There are no rows below the column names."),
    }
    return sentences.get(code) or (why_no_table(code) if code else "")


@for_roles(*DIRECTORY)
@require_POST
def change_employee_import(request: HttpRequest, public_id: str) -> HttpResponse:
    """Import what was validated, or cancel."""
    row, now = _import(public_id), timezone.now()
    try:
        match request.POST.get("does"):
            case "run":
                operations.run_employee_import(row=row, by=actor(request), now=now)
            case "cancel":
                operations.cancel_employee_import(row=row, now=now)
    except Problem as problem:
        row.refresh_from_db()
        return _shown(request, row, problem)
    return redirect("surveys:employee-import", public_id=row.public_id)
