"""The directory: departments as a tree, employees from a file, and which account belongs to whom."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from incentives_site.accounts.roles import Role, for_roles
from incentives_site.shared.problems import Invalid

from .. import operations, queries
from ..forms.directory import DirectoryForm
from ..models import Change, Department, Employee
from ..wording import change_in_words
from .admission import DIRECTORY, actor, names_of_actors

REFUSED = 422


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


@for_roles(*DIRECTORY)
def bring_in(request: HttpRequest) -> HttpResponse:
    """Read a file: tried first, or taken."""
    form = DirectoryForm(request.POST or None, request.FILES or None)
    done, faults, more = None, [], 0
    if request.method == "POST" and form.is_valid():
        is_dry_run = "take" not in request.POST
        try:
            done = operations.bring_in_employees(
                rows=form.rows,
                deactivates_missing=form.cleaned_data["deactivates_missing"],
                is_dry_run=is_dry_run,
                by=actor(request),
                now=timezone.now(),
            )
        except Invalid as problem:
            for error in problem.errors[:100]:
                number, _slash, column = error.pointer.strip("/").partition("/")
                faults.append({"line": int(number) + 2, "column": column, "sentence": str(error.detail)})
            more = len(problem.errors) - len(faults)
        else:
            if not is_dry_run:
                messages.success(
                    request,
                    _("%(new)s new, %(changed)s changed, %(same)s as before, %(gone)s no longer active.")
                    % {"new": done.new, "changed": done.changed, "same": done.same, "gone": done.deactivated},
                )
                return redirect("surveys:directory")
    crumbs = [{"label": _("Directory"), "url": reverse("surveys:directory")}, {"label": _("Bring in employees")}]
    context = {"form": form, "done": done, "faults": faults, "more": more, "crumbs": crumbs}
    return render(request, "surveys/directory_import.html", context, status=REFUSED if form.errors or faults else 200)


@for_roles(*DIRECTORY)
@require_safe
def accounts(request: HttpRequest) -> HttpResponse:
    """Confirmed accounts and their audit log: to be read. There is nothing here, or anywhere, that binds an account."""
    search = queries.Search(text=request.GET.get("q", "").strip()[:200], kind=request.GET.get("kind", ""))
    bound = Paginator(queries.confirmed_accounts(search), 25).get_page(request.GET.get("people"))
    log = Paginator(queries.changes(search), 50).get_page(request.GET.get("page"))
    names = names_of_actors(event.by for event in log)
    context = {
        "search": search,
        "kinds": Change.choices,
        "bound": bound,
        "log": log,
        "rows": [(event, change_in_words(event), names[event.by]) for event in log],
        "is_hr": Role.HR in request.user.roles,  # type: ignore[union-attr]
        "crumbs": [{"label": _("Directory"), "url": reverse("surveys:directory")}, {"label": _("Accounts")}],
    }
    return render(request, "surveys/directory_accounts.html", context)
