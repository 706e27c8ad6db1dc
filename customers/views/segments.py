"""Segments: the list, one of them, the builder with its live count, lists of names, and how segments overlap."""

import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from customers.models import Segment, SegmentKind, SegmentState
from incentives_site.accounts.roles import Role, for_roles
from incentives_site.shared.htmx import page_or_fragment
from incentives_site.shared.problems import Invalid

from .. import operations, queries
from ..forms import ListForm, RuleForm, SegmentForm
from ..rules.faults import Misunderstood
from ..rules.segments import EVERYBODY
from ..wording import rule_in_words
from .admission import may_write

ROLES = (Role.MARKETER, Role.ANALYST, Role.OPERATOR)
A_PAGE = 50
SAMPLE = 10
PATIENCE = datetime.timedelta(seconds=1.5)
REFUSED = 422
MOVING = {SegmentState.WAITING, SegmentState.RUNNING}
MOST_COMPARED = 3


def _actor(request: HttpRequest) -> str:
    return f"user:{request.user.pk}"


def _crumbs(*labels: str, segment: Segment | None = None) -> list[dict[str, str]]:
    trail = [
        {"label": _("Customers"), "url": reverse("customers:search")},
        {"label": _("Segments"), **({"url": reverse("customers:segments")} if labels or segment else {})},
    ]
    if segment is not None:
        address = {"url": reverse("customers:segment", args=[segment.public_id])} if labels else {}
        trail.append({"label": segment.name, **address})
    return [*trail, *({"label": label} for label in labels)]


@for_roles(*ROLES)
def segments(request: HttpRequest) -> HttpResponse:
    """All segments with sizes and states; the list is fetched again while one is being counted."""
    page = Paginator(queries.segments(), A_PAGE).get_page(request.GET.get("page"))
    sizes = queries.sizes(page.object_list)
    rows = [{"segment": one, "size": sizes.get(one.pk, 0), "cost": queries.cost_in_words(one.cost)} for one in page]
    template = page_or_fragment(request, page="customers/segments/list.html", fragment="customers/segments/_list.html")
    is_moving = any(one.state in MOVING for one in page)
    return render(request, template, {"page": page, "rows": rows, "is_moving": is_moving, "crumbs": _crumbs()})


@for_roles(*ROLES)
def segment(request: HttpRequest, public_id: str) -> HttpResponse:
    """One segment: its state, what it says, who is in it."""
    return _shown(request, queries.segment_by_public_id(public_id))


def _shown(request: HttpRequest, one: Segment, status: int = 200, **more: Any) -> HttpResponse:
    names = dict(queries.segments().values_list("key", "name"))
    words: list[Any] = []
    if one.kind == SegmentKind.RULE:
        try:
            words = rule_in_words(queries.rule_of(one), names)
        except Misunderstood as error:
            words = [fault.detail for fault in error.faults]
    context = {
        "segment": one,
        "size": queries.sizes([one]).get(one.pk, 0),
        "words": words,
        "sample": queries.members(one)[:SAMPLE],
        "cost": queries.cost_in_words(one.cost),
        "users": queries.dependents(one.key),
        "is_moving": one.state in MOVING,
        "is_list": one.kind == SegmentKind.LIST,
        "may_write": may_write(request),
        "form": ListForm() if one.kind == SegmentKind.LIST else None,
        "crumbs": _crumbs(segment=one),
        **more,
    }
    template = page_or_fragment(request, page="customers/segments/detail.html", fragment="customers/segments/_state.html")
    return render(request, template, context, status=status)


# --- The builder ------------------------------------------------------------------------------------------------------------


@for_roles(*ROLES)
def new(request: HttpRequest) -> HttpResponse:
    return _builder(request, None)


@for_roles(*ROLES)
def edit(request: HttpRequest, public_id: str) -> HttpResponse:
    return _builder(request, queries.segment_by_public_id(public_id))


def _builder(request: HttpRequest, one: Segment | None) -> HttpResponse:
    is_post = request.method == "POST"
    doing = request.POST.get("rule-do", "")
    has_rule = one is None or one.kind == SegmentKind.RULE
    form = SegmentForm(request.POST if is_post else None, segment=one)
    tree = RuleForm(request.POST if is_post else None, rule=one.rule if one else None, doing=doing, editing=one)
    keeps = has_rule and not tree.can_say_saved and "replace" not in (request.POST if is_post else request.GET)
    status, size = 200, None
    if is_post and not doing:
        rule = one.rule if one is not None and keeps else tree.rule if has_rule and tree.is_valid() else None
        is_complete = not has_rule or keeps or tree.is_valid()
        if "count" in request.POST:
            size = _glimpse(rule) if is_complete else {"faults": tree.errors}
        elif form.is_valid() and is_complete:
            saved = _saved(request, one, form, tree.rule if has_rule and not keeps else rule)
            if saved is not None:
                return redirect("customers:segment", saved.public_id)
            status = REFUSED
        else:
            status = REFUSED
    if doing:
        form = SegmentForm(None, segment=one)
        form.initial.update({name: request.POST.get(name, "") for name in form.fields if name in request.POST})
    context = {
        "segment": one,
        "form": form,
        "tree": tree,
        "has_rule": has_rule,
        "keeps": keeps,
        "starts_over": has_rule and not tree.can_say_saved and not keeps,
        "size": size,
        "words": rule_in_words(queries.rule_of(one)) if one is not None and keeps else [],
        "crumbs": _crumbs(_("Edit") if one else _("New segment"), segment=one),
    }
    return render(request, "customers/segments/edit.html", context, status=status)


def _saved(request: HttpRequest, one: Segment | None, form: SegmentForm, rule: Any) -> Segment | None:
    data, by, now = form.cleaned_data, _actor(request), timezone.now()
    try:
        if one is None:
            return operations.define_segment(
                name=data["name"], key=data["key"], description=data["description"], rule=rule, by=by, now=now
            )
        return operations.revise_segment(
            segment=one,
            version=data["version"] or one.version,
            name=data["name"],
            description=data["description"],
            rule=rule,
            by=by,
            now=now,
        )
    except Invalid as problem:
        for error in problem.errors:
            name = error.pointer.lstrip("/")
            form.add_error(name if name in form.fields else None, str(error.detail))
    except operations.SegmentChanged as problem:
        form.add_error(None, f"{problem.title}. {problem.detail}")
    return None


@for_roles(*ROLES)
@require_POST
def typed(request: HttpRequest) -> HttpResponse:
    """How many fit what is typed now, and some of them; nothing is saved."""
    tree = RuleForm(request.POST)
    size = _glimpse(tree.rule) if tree.is_valid() else {"faults": tree.errors}
    return render(request, "customers/segments/_size.html", {"size": size})


def _glimpse(rule: Any) -> dict[str, Any]:
    try:
        parsed = queries.parsed_rule(rule)
    except Misunderstood as error:
        return {"faults": [fault.detail for fault in error.faults]}
    found = queries.glimpse(parsed, now=timezone.now(), patience=PATIENCE)
    return {"found": found, "cost": queries.cost_in_words(found.cost), "is_everybody": parsed == EVERYBODY}


# --- What can be done with one ----------------------------------------------------------------------------------------------


@for_roles(*ROLES)
@require_POST
def recount(request: HttpRequest, public_id: str) -> HttpResponse:
    operations.recount(segment=queries.segment_by_public_id(public_id), by=_actor(request))
    return redirect("customers:segment", public_id)


@for_roles(*ROLES)
@require_POST
def stop(request: HttpRequest, public_id: str) -> HttpResponse:
    operations.stop_count(segment=queries.segment_by_public_id(public_id), by=str(request.user))
    return redirect("customers:segment", public_id)


@for_roles(*ROLES)
@require_POST
def give_up(request: HttpRequest, public_id: str) -> HttpResponse:
    one = queries.segment_by_public_id(public_id)
    operations.archive_segment(segment=one, by=_actor(request), now=timezone.now())
    messages.success(request, _("“%(name)s” was given up.") % {"name": one.name})
    return redirect("customers:segments")


@for_roles(*ROLES)
def new_list(request: HttpRequest) -> HttpResponse:
    """A segment of names; they are put in on its page."""
    form = SegmentForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            made = operations.define_segment(
                name=data["name"],
                key=data["key"],
                description=data["description"],
                kind=SegmentKind.LIST,
                by=_actor(request),
                now=timezone.now(),
            )
            return redirect("customers:segment", made.public_id)
        except Invalid as problem:
            for error in problem.errors:
                name = error.pointer.lstrip("/")
                form.add_error(name if name in form.fields else None, str(error.detail))
    context = {"form": form, "crumbs": _crumbs(_("New list"))}
    return render(request, "customers/segments/new_list.html", context, status=REFUSED if form.errors else 200)


@for_roles(*ROLES)
@require_POST
def names(request: HttpRequest, public_id: str) -> HttpResponse:
    """Puts the named customers on a list, takes them off, or makes them the list; says which lines name nobody."""
    one = queries.segment_by_public_id(public_id)
    form = ListForm(request.POST, request.FILES)
    if not form.is_valid():
        return _shown(request, one, status=REFUSED, form=form)
    try:
        found = queries.customers_on(form.lines)
    except ValidationError as error:
        form.add_error("file", error)
        return _shown(request, one, status=REFUSED, form=form)
    way = form.cleaned_data["way"]
    came, went = operations.change_list(
        segment=one,
        add=found.ids if way == "add" else (),
        take_out=found.ids if way == "take_out" else (),
        exactly=found.ids if way == "replace" else None,
        by=_actor(request),
        now=timezone.now(),
    )
    report = {"found": found, "came": came, "went": went, "more": found.unknown_count - len(found.unknown)}
    return _shown(request, one, report=report)


# --- Overlap ----------------------------------------------------------------------------------------------------------------

# Where the picture of two and of three circles is drawn, and where the number of each part stands.
CIRCLES = {2: [(120, 110), (200, 110)], 3: [(120, 100), (200, 100), (160, 170)]}
PLACES = {
    2: {(0,): (80, 110), (1,): (240, 110), (0, 1): (160, 110)},
    3: {
        (0,): (88, 80),
        (1,): (232, 80),
        (2,): (160, 212),
        (0, 1): (160, 72),
        (0, 2): (110, 148),
        (1, 2): (210, 148),
        (0, 1, 2): (160, 120),
    },
}


@for_roles(*ROLES)
def overlap(request: HttpRequest) -> HttpResponse:
    """Two or three segments: how many are in which of them."""
    offered = list(queries.segments())
    by_key = {one.key: one for one in offered}
    asked = [key for name in "abc" if (key := request.GET.get(name, "")) in by_key]
    chosen = [by_key[key] for key in dict.fromkeys(asked)][:MOST_COMPARED]
    picture = None
    if len(chosen) >= 2:
        parts = queries.overlap(chosen)
        places = PLACES[len(chosen)]
        everybody = sum(part.size for part in parts)
        picture = {
            "circles": [
                {"x": x, "y": y, "number": n + 1, "segment": one}
                for n, (one, (x, y)) in enumerate(zip(chosen, CIRCLES[len(chosen)], strict=True))
            ],
            "height": 220 if len(chosen) == 2 else 280,
            "parts": [
                {
                    "x": places[part.inside][0],
                    "y": places[part.inside][1],
                    "size": part.size,
                    "share": round(100 * part.size / everybody) if everybody else 0,
                    "names": [chosen[n].name for n in part.inside],
                    "others": [one.name for n, one in enumerate(chosen) if n not in part.inside],
                }
                for part in parts
            ],
            "everybody": everybody,
            "summary": ", ".join(f"{' + '.join(chosen[n].name for n in part.inside)}: {part.size}" for part in parts),
        }
    picked = [request.GET.get(name, "") for name in "abc"]
    context = {
        "offered": offered,
        "picked": list(zip("abc", picked, strict=True)),
        "picture": picture,
        "crumbs": _crumbs(_("Overlap")),
    }
    return render(request, "customers/segments/overlap.html", context)
