"""Who a customer is, and why: identities, what was joined and what was not, merges by hand, and their undoing."""

from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from incentives_site.accounts.roles import for_roles
from incentives_site.shared.problems import Invalid, Problem
from incentives_site.shared.statuses import STATUS_OF_KIND

from .. import operations, queries
from ..forms import ReasonForm
from ..models import Customer, IdentityKind, Merge, Source
from ..queries import Clue, Sign
from ..wording import kind_in_words, why_not_used
from .admission import READERS, WRITERS, actor, may_write, named_actors

MOST_FOUND = 8


@for_roles(*READERS)
def identity(request: HttpRequest, public_id: str) -> HttpResponse:
    """Everything that says who this customer is; ``q`` searches for another one, ``with`` compares with it."""
    return _page(request, queries.by_public_id(public_id))


@for_roles(*WRITERS)
@require_POST
def change_identity(request: HttpRequest, public_id: str) -> HttpResponse:
    """Make two customers one (``does=merge``), or take apart what was made one (``does=split``)."""
    customer = queries.by_public_id(public_id)
    reason, now = request.POST.get("reason", ""), timezone.now()
    here = reverse("customers:identity", args=[customer.public_id])
    try:
        if request.POST.get("does") == "split":
            wanted = request.POST.get("merge", "")
            record = next((row for row in Merge.objects.filter(_about(customer)) if str(row.public_id) == wanted), None)
            if record is None:
                raise operations.CannotSplit(_("There is no such merge."))
            out = operations.split(merge=record, by=actor(request), reason=reason, now=now)
            messages.success(request, _("Taken apart. %(name)s is a customer of its own again.") % {"name": out})
            return redirect(here)
        other = queries.by_public_id(request.POST.get("with", ""))
        merged = operations.merge(one=customer, other=other, by=actor(request), reason=reason, now=now)
        messages.success(request, _("They are one customer now. It can be undone on this page."))
        return redirect("customers:identity", public_id=merged.survivor.public_id)
    except Invalid as problem:
        return _page(request, customer, mistakes=problem)
    except Problem as problem:
        return _page(request, customer, problem=problem)


def _page(
    request: HttpRequest, customer: Customer, *, problem: Problem | None = None, mistakes: Invalid | None = None
) -> HttpResponse:
    dropped = queries.not_used(customer)
    merges = list(Merge.objects.filter(_about(customer)).select_related("merged", "survivor")[:50])
    apart = queries.kept_apart(customer)
    people = named_actors([*(row.by for row in merges), *(row.split_by for row in merges), *(row.by for _other, row in apart)])
    words = request.GET.get("q", "").strip()
    context: dict[str, Any] = {
        "customer": customer,
        "crumbs": [
            {"label": _("Customers"), "url": reverse("customers:search")},
            {"label": str(customer), "url": reverse("customers:detail", args=[customer.public_id])},
            {"label": _("Identity")},
        ],
        "identities": _identities(customer),
        "merges": [_merge(row, people, request, mistakes) for row in merges],
        "not_used": [
            {"is": item, "kind": kind_in_words(item.kind), "why": why_not_used(item.reason, item.kind)} for item in dropped
        ],
        "apart": [{"customer": other, "since": row.since, "by": people[row.by]} for other, row in apart],
        "candidates": [
            {"customer": one.customer, "clues": [_clue(clue) for clue in one.clues]}
            for one in queries.candidates(customer, dropped=dropped)
        ],
        "words": words,
        "found": [one for one in queries.search(words)[: MOST_FOUND + 1] if one.pk != customer.pk][:MOST_FOUND] if words else [],
        "may_write": may_write(request),
        "problem": problem,
        **_comparison(request, customer, mistakes),
    }
    status = 422 if mistakes else STATUS_OF_KIND[problem.kind] if problem else 200
    return render(request, "customers/identity.html", context, status=status)


def _about(customer: Customer) -> Q:
    """Merges that made the customer what it is, also those of a customer it took in later."""
    return Q(survivor=customer) | Q(survivor__forwarded_to=customer)


def _identities(customer: Customer) -> list[dict[str, Any]]:
    sources = dict(Source.objects.values_list("key", "name"))
    ranks = dict(IdentityKind.objects.values_list("key", "rank"))
    rows = sorted(customer.identities.all(), key=lambda row: (ranks.get(row.kind.partition(":")[0], 99), row.kind, row.value))
    return [
        {
            "kind": kind_in_words(row.kind),
            "value": row.value,
            "since": row.first_seen_at,
            "source": sources.get(row.source, row.source),
        }
        for row in rows
    ]


def _merge(row: Merge, people: dict[str, str], request: HttpRequest, mistakes: Invalid | None) -> dict[str, Any]:
    labels = {holding.name: str(holding.label) for holding in operations.holdings()}
    moved = {name: sum(_number(piece) for piece in pieces) for name, pieces in row.moved.items()}
    is_meant = request.POST.get("merge") == str(row.public_id)
    form = ReasonForm(request.POST if mistakes and is_meant else None, label=_("Why these are different persons"), prefix=None)
    form.fields["reason"].widget.attrs["id"] = f"split-{row.pk}"
    return {
        "is": row,
        "name": row.before.get("merged", {}).get("display_name") or str(row.merged.public_id)[:8],
        "by": _by_events(row.by, people),
        "split_by": people.get(row.split_by, ""),
        "moved": [f"{labels.get(name, name)} ({count})" for name, count in moved.items() if count],
        "form": form,
        "open": is_meant,
    }


def _by_events(by: str, people: dict[str, str]) -> str:
    return _("an event that named both") if by == "events" else people.get(by, by)


def _number(piece: Any) -> int:
    """How many things one step of a merge moved, as far as its record counts them."""
    if isinstance(piece, dict):
        piece = piece.get("moved", next((value for value in piece.values() if isinstance(value, list)), []))
    return len(piece) if isinstance(piece, list) else 0


def _clue(clue: Clue) -> str:
    values = {"kind": kind_in_words(clue.what), "value": clue.value}
    match clue.sign:
        case Sign.DROPPED:
            return _("An event of this customer named the other's %(kind)s %(value)s.") % values
        case Sign.SAID:
            return _("What was said about this customer is the other's %(kind)s: %(value)s.") % values
        case Sign.SAME_VALUE:
            return _("The same value is the other's %(kind)s: %(value)s.") % values
        case Sign.SAME_NAME:
            return _("The same name.")
        case Sign.SAME_MAIL_DOMAIN:
            return _("E-mail addresses at the same domain: %(value)s.") % values
        case Sign.SAME_TRAIT:
            return _("The same %(what)s: %(value)s.") % {"what": clue.what.replace("_", " "), "value": clue.value}


def _comparison(request: HttpRequest, customer: Customer, mistakes: Invalid | None) -> dict[str, Any]:
    """What a merge with the customer in ``with`` would do."""
    wanted = request.POST.get("with") or request.GET.get("with")
    if not wanted:
        return {}
    try:
        other = queries.by_public_id(wanted)
        preview = operations.preview_merge(one=customer, other=other, now=timezone.now())
    except Problem as problem:
        return {"comparison_problem": problem}
    form = ReasonForm(
        request.POST if mistakes and request.POST.get("with") else None,
        label=_("Why these are the same person"),
        help_text=_("It is kept with the merge, for whoever wonders later."),
    )
    return {
        "other": other,
        "preview": preview,
        "moves": [{"label": str(label).capitalize(), "value": count} for label, count in preview.moves if count],
        "broken": [kind_in_words(kind) for kind in preview.broken],
        "pair": [
            {"customer": one, "survives": one == preview.survivor, "identities": _identities(one)[:12]}
            for one in (preview.survivor, preview.merged)
        ],
        "form": form,
    }
