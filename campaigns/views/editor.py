"""The campaign editor: goal → incentive → audience → channels → stacking → review, each saved as it is left."""

import zoneinfo
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from campaigns import forms, operations, queries
from campaigns.forms import channels as channel_step
from campaigns.forms import goal as goal_step
from campaigns.forms import incentive as incentive_step
from campaigns.forms import stacking as stacking_step
from campaigns.models import Campaign, Incentive, StackGroup, Status
from campaigns.rules.groups import Eligibility
from campaigns.wording import (
    audience_in_words,
    awards_in_words,
    condition_in_words,
    effect_in_words,
    group_in_words,
    incentive_in_words,
    obstacle_in_words,
)
from customers.models import Channel
from incentives_site.accounts.roles import for_roles
from incentives_site.shared.problems import Invalid, Problem

from .admission import WRITERS, actor
from .audience import size_of
from .lifecycle import refused

STEPS: tuple[tuple[str, str | Promise], ...] = (
    ("goal", gettext_lazy("Goal")),
    ("incentive", gettext_lazy("Incentive")),
    ("audience", gettext_lazy("Audience")),
    ("channels", gettext_lazy("Channels")),
    ("stacking", gettext_lazy("Stacking")),
    ("review", gettext_lazy("Review")),
)
NAMES = [name for name, _label in STEPS]
# Where an obstacle to the launch is mended.
STEP_OF_POINTER = {"/incentives": "incentive", "/channels": "channels", "/ends_at": "goal"}
REFUSED = 422
ELIGIBILITIES = [eligibility.value for eligibility in Eligibility]


def _address(campaign: Campaign, step: str) -> str:
    return reverse(f"campaigns:edit-{step}", args=[campaign.public_id])


def _take(public_id: str) -> Campaign:
    """The campaign, when it may be edited in its status. Raises ``WrongStatus``."""
    campaign = queries.campaign_by_public_id(public_id)
    operations.check_revisable(campaign)
    return campaign


def _page(request: HttpRequest, campaign: Campaign | None, step: str, status: int = 200, **context: Any) -> HttpResponse:
    position = NAMES.index(step)
    filled = _filled(campaign)
    steps = []
    for number, (name, label) in enumerate(STEPS):
        is_done = name in filled and (number < position or name not in {"audience", "stacking"} or filled[name])
        steps.append(
            {
                "label": label,
                "url": _address(campaign, name) if campaign else "",
                "state": "current" if number == position else "done" if is_done else "todo",
            }
        )
    crumbs = [{"label": _("Campaigns"), "url": reverse("campaigns:list")}]
    if campaign is not None:
        crumbs.append({"label": campaign.name, "url": reverse("campaigns:detail", args=[campaign.public_id])})
    crumbs.append({"label": _("Edit") if campaign else _("New campaign")})
    frame = {
        "campaign": campaign,
        "step": step,
        "step_label": STEPS[position][1],
        "steps": steps,
        "crumbs": crumbs,
        "back_url": _address(campaign, NAMES[position - 1]) if campaign and position else "",
        "next_url": _address(campaign, NAMES[position + 1]) if campaign and position < len(NAMES) - 1 else "",
    }
    return render(request, f"campaigns/edit/{step}.html", {**frame, **context}, status=status)


def _filled(campaign: Campaign | None) -> dict[str, bool]:
    """The steps with something in them; the value says whether that was surely chosen and is not just what it begins with."""
    if campaign is None:
        return {}
    has_incentive = campaign.incentives.exists()
    found = {"goal": True, "audience": campaign.audience is not None}
    if has_incentive:
        found |= {"incentive": True, "stacking": campaign.launched_at is not None}
    if campaign.channels.exists():
        found["channels"] = True
    return found


def _onward(request: HttpRequest, campaign: Campaign, step: str) -> HttpResponse:
    """Where the pressed button leads: the next step, or out of the editor."""
    if request.POST.get("then") == "close":
        messages.success(request, _("Saved."))
        return redirect("campaigns:detail", campaign.public_id)
    return redirect(_address(campaign, NAMES[NAMES.index(step) + 1]))


@for_roles(*WRITERS)
def start(request: HttpRequest, public_id: str) -> HttpResponse:
    return redirect("campaigns:edit-goal", public_id)


# --- Goal -------------------------------------------------------------------------------------------------------------


def _zones() -> list[str]:
    return sorted(zone for zone in zoneinfo.available_timezones() if "/" in zone or zone == "UTC")


@for_roles(*WRITERS)
def new(request: HttpRequest) -> HttpResponse:
    """The first step of a campaign that does not exist yet; saving it makes the draft."""
    newest = Campaign.objects.order_by("-pk").first()
    habits = {"currency": newest.currency, "time_zone": newest.time_zone} if newest else {"currency": "USD", "time_zone": "UTC"}
    form = forms.GoalForm(request.POST or None, initial=habits)
    if request.method == "POST" and form.is_valid():
        try:
            campaign = operations.draft(
                by=actor(request),
                fields=form.fields_of_campaign,
                budget=form.minor_budget,
                when_short=form.chosen_when_short,
                created_by_id=request.user.pk,
            )
            return _onward(request, campaign, "goal")
        except Invalid as problem:
            forms.place_errors(form, problem, goal_step.POINTERS)
    return _page(request, None, "goal", REFUSED if form.errors else 200, form=form, zones=_zones())


@for_roles(*WRITERS)
def goal(request: HttpRequest, public_id: str) -> HttpResponse:
    campaign = _take(public_id)
    budget = queries.budget(campaign)
    begins = goal_step.initial_of(campaign, budget[0] if budget else None, queries.budget_when_short(campaign))
    form = forms.GoalForm(request.POST or None, initial=begins, saved=campaign)
    if request.method == "POST" and form.is_valid():
        try:
            operations.revise(
                campaign=campaign,
                by=actor(request),
                fields=form.fields_of_campaign,
                budget=form.minor_budget,
                when_short=form.chosen_when_short,
            )
            return _onward(request, campaign, "goal")
        except Invalid as problem:
            forms.place_errors(form, problem, goal_step.POINTERS)
    return _page(request, campaign, "goal", REFUSED if form.errors else 200, form=form, zones=_zones())


# --- Incentive --------------------------------------------------------------------------------------------------------


def _incentives(campaign: Campaign) -> list[Incentive]:
    rows = list(campaign.incentives.select_related("stack_group").prefetch_related("limits").order_by("pk"))
    for row in rows:
        row.campaign = campaign
    return rows


def _chosen(request: HttpRequest, incentives: list[Incentive]) -> Incentive | None:
    """The incentive named by the address; without a name the first; ``None`` for a new one."""
    name = request.GET.get("incentive", "")
    if name == "new" or not incentives:
        return None
    if not name:
        return incentives[0]
    found = next((row for row in incentives if str(row.public_id) == name), None)
    if found is None:
        raise queries.IncentiveUnknown
    return found


@for_roles(*WRITERS)
def incentive(request: HttpRequest, public_id: str) -> HttpResponse:
    campaign = _take(public_id)
    incentives = _incentives(campaign)
    chosen = _chosen(request, incentives)
    if request.method == "POST" and "remove" in request.POST and chosen is not None:
        return _remove(request, campaign, chosen)
    doing = {
        "effect_doing": request.POST.get("effect-do", ""),
        "conditions_doing": request.POST.get("when-do", ""),
        "awards_doing": request.POST.get("award-do", ""),
        "sentences_doing": request.POST.get("sentence-do", ""),
    }
    form = forms.IncentiveForm(request.POST or None, campaign=campaign, incentive=chosen, **doing)
    built: dict[str, Any] | None = None
    if request.method == "POST" and not any(doing.values()):
        if "check" in request.POST:
            built = _built(form)
        elif chosen is None and not form.has_changed():
            # Nothing was typed: the step is left for later, and the review says that it is missing.
            return _onward(request, campaign, "incentive")
        elif form.is_valid() and _save_incentive(request, campaign, chosen, form):
            return _onward(request, campaign, "incentive")
    context = {
        "form": form,
        "chosen": chosen,
        "incentives": incentives,
        "is_removable": chosen is not None and campaign.launched_at is None,
        "effect_words": effect_in_words(chosen.effect, campaign.currency) if chosen else "",
        "award_words": _award_words(chosen.awards, campaign.currency, also=bool(chosen.effect)) if chosen else [],
        "condition_words": condition_in_words(chosen.conditions, campaign.currency) if chosen else [],
        "built": built or (_saved_words(chosen) if chosen and not form.is_bound else None),
    }
    is_refused = form.is_refused and "check" not in request.POST
    return _page(request, campaign, "incentive", REFUSED if is_refused else 200, **context)


def _saved_words(incentive: Incentive) -> dict[str, Any]:
    currency = incentive.campaign.currency
    return {
        "effect": effect_in_words(incentive.effect, currency),
        "awards": _award_words(incentive.awards, currency, also=bool(incentive.effect)),
        "conditions": condition_in_words(incentive.conditions, currency),
    }


def _award_words(awards: list[dict[str, Any]], currency: str, *, also: bool) -> list[str]:
    given = queries.names_of(str(award.get("incentive")) for award in awards if award.get("type") == "grant")
    return awards_in_words(awards, currency, given, also=also)


def _built(form: forms.IncentiveForm) -> dict[str, Any]:
    """What the builders say now, in words; or what is still missing."""
    form.is_valid()
    complaints = [sentence for found in form.effect_errors.values() for sentence in found]
    complaints += [] if form.keeps_conditions else form.conditions.errors
    complaints += [sentence for found in form.awards.errors.values() for sentence in found]
    if complaints:
        return {"complaints": list(dict.fromkeys(complaints))}
    effect, conditions = form.built
    currency = form.campaign.currency
    return {
        "effect": effect_in_words(effect, currency),
        "awards": _award_words(form.built_awards, currency, also=bool(effect)),
        "conditions": condition_in_words(conditions, currency),
    }


@for_roles(*WRITERS)
@require_POST
def incentive_words(request: HttpRequest, public_id: str) -> HttpResponse:
    """What is typed now, in words; nothing is saved."""
    campaign = _take(public_id)
    chosen = _chosen(request, _incentives(campaign))
    form = forms.IncentiveForm(request.POST, campaign=campaign, incentive=chosen)
    return render(request, "campaigns/edit/_built.html", {"built": _built(form)})


def _save_incentive(request: HttpRequest, campaign: Campaign, chosen: Incentive | None, form: forms.IncentiveForm) -> bool:
    terms = form.terms
    try:
        if chosen is None:
            operations.add_incentive(
                campaign=campaign, by=actor(request), key=incentive_step.key_for(campaign, terms["name"]), **terms
            )
        else:
            operations.revise_incentive(incentive=chosen, by=actor(request), **terms)
    except operations.CodeTaken as problem:
        form.add_error("code", f"{problem.title}. {problem.detail}")
        return False
    except Invalid as problem:
        form.place(problem)
        return False
    return True


def _remove(request: HttpRequest, campaign: Campaign, chosen: Incentive) -> HttpResponse:
    operations.remove_incentive(incentive=chosen, by=actor(request))
    messages.success(request, _("“%(name)s” was removed.") % {"name": chosen.name})
    return redirect(_address(campaign, "incentive"))


# --- Audience ---------------------------------------------------------------------------------------------------------


@for_roles(*WRITERS)
def audience(request: HttpRequest, public_id: str) -> HttpResponse:
    campaign = _take(public_id)
    doing = request.POST.get("audience-do", "")
    form = forms.audience_form(
        request.POST if request.method == "POST" else None,
        condition=campaign.audience,
        currency=campaign.currency,
        doing=doing,
    )
    is_typed = form.can_say_saved
    if not is_typed and request.method == "POST" and "replace" not in request.POST:
        return _onward(request, campaign, "audience")
    starts_over = not is_typed and "replace" in (request.POST if request.method == "POST" else request.GET)
    status, size = 200, None
    if request.method == "POST" and not doing:
        if form.is_valid():
            if "count" in request.POST:
                size = size_of(form.condition, campaign.currency)
            else:
                try:
                    operations.revise(campaign=campaign, by=actor(request), fields={"audience": form.condition})
                    return _onward(request, campaign, "audience")
                except Invalid as problem:
                    status, size = REFUSED, {"faults": [str(error.detail) for error in problem.errors]}
        else:
            status = REFUSED
    context = {
        "form": form,
        "is_typed": is_typed or starts_over,
        "starts_over": starts_over,
        "audience_words": audience_in_words(campaign.audience, campaign.currency),
        "vocabulary": form.vocabulary,
        "size": size or (None if request.method == "POST" else size_of(campaign.audience, campaign.currency)),
    }
    return _page(request, campaign, "audience", status, **context)


# --- Channels ---------------------------------------------------------------------------------------------------------


@for_roles(*WRITERS)
def channels(request: HttpRequest, public_id: str) -> HttpResponse:
    campaign = _take(public_id)
    chosen = list(campaign.channels.all())
    offered = [*Channel.objects.filter(is_active=True), *(channel for channel in chosen if not channel.is_active)]
    form = forms.ChannelsForm(
        request.POST if request.method == "POST" else None,
        offered=offered,
        initial={"channels": [channel.key for channel in chosen]},
    )
    if request.method == "POST" and form.is_valid():
        try:
            operations.revise(campaign=campaign, by=actor(request), fields={}, channels=form.chosen)
            return _onward(request, campaign, "channels")
        except Invalid as problem:
            forms.place_errors(form, problem, channel_step.POINTERS)
    ticked = set(form["channels"].value() or [])
    cards = [{"channel": channel, "ticked": channel.key in ticked} for channel in offered]
    return _page(request, campaign, "channels", REFUSED if form.is_bound and form.errors else 200, form=form, cards=cards)


# --- Stacking ---------------------------------------------------------------------------------------------------------


@for_roles(*WRITERS)
def stacking(request: HttpRequest, public_id: str) -> HttpResponse:
    campaign = _take(public_id)
    incentives = _incentives(campaign)
    making = request.method == "POST" and "make-group" in request.POST
    group_form = forms.GroupForm(request.POST if making else None, prefix="own")
    is_made = making and group_form.is_valid() and _make_group(request, group_form)
    # The plainest first, whatever their ranks.
    offered = sorted(StackGroup.objects.all(), key=lambda group: ELIGIBILITIES.index(group.eligibility))
    meanings = {group.key: group.eligibility for group in offered}
    texts = {group.key: " ".join(group_in_words(group)) for group in offered}
    data = request.POST if request.method == "POST" and not making else None
    rows = [
        (
            row,
            forms.StackingForm(
                data,
                offered=offered,
                prefix=f"stack-{row.public_id}",
                initial=_stacking_of(row, request.POST if making else {}),
            ),
        )
        for row in incentives
    ]
    # Every form is judged before the first refusal is shown.
    has_errors = data is not None and any([not form.is_valid() for _row, form in rows])  # noqa: C419
    if data is not None and rows and not has_errors:
        if _save_stacking(request, rows):
            return _onward(request, campaign, "stacking")
        has_errors = True
    status = REFUSED if has_errors or (making and not is_made) else 200
    if is_made:
        group_form = forms.GroupForm(prefix="own")
    context = {"rows": rows, "meanings": meanings, "texts": texts, "group_form": group_form}
    return _page(request, campaign, "stacking", status, **context)


def _stacking_of(row: Incentive, typed: Mapping[str, Any]) -> dict[str, Any]:
    """What the form of an incentive begins with: what is saved, or what was chosen before a group was made."""
    name = f"stack-{row.public_id}"
    return {
        "group": typed.get(f"{name}-group", row.stack_group.key),
        "priority": typed.get(f"{name}-priority", row.priority),
    }


def _make_group(request: HttpRequest, form: forms.GroupForm) -> bool:
    try:
        made = operations.define_group(by=actor(request), key=stacking_step.group_key_for(form.terms["name"]), **form.terms)
    except Invalid as problem:
        forms.place_errors(form, problem, stacking_step.GROUP_POINTERS)
        return False
    messages.success(request, _("“%(name)s” can be chosen now.") % {"name": made.name})
    return True


def _save_stacking(request: HttpRequest, rows: list[tuple[Incentive, forms.StackingForm]]) -> bool:
    """All of them or none; a refusal stands with the incentive it is about."""
    form = rows[0][1]
    try:
        with transaction.atomic():
            for row, form in rows:
                if (row.stack_group_id, row.priority) != (form.stack_group.pk, form.priority_given):
                    _restack(request, row, form)
    except Invalid as problem:
        forms.place_errors(form, problem, stacking_step.POINTERS)
        return False
    return True


def _restack(request: HttpRequest, row: Incentive, form: forms.StackingForm) -> None:
    operations.revise_incentive(incentive=row, by=actor(request), stack_group=form.stack_group, priority=form.priority_given)


# --- Review -----------------------------------------------------------------------------------------------------------


@for_roles(*WRITERS)
def review(request: HttpRequest, public_id: str) -> HttpResponse:
    """Everything in words, what is still missing, and the button that makes the promise."""
    campaign = _take(public_id)
    if request.method == "POST":
        try:
            launched = operations.launch(campaign=campaign, by=actor(request), now=timezone.now())
        except operations.WrongStatus as problem:
            return refused(request, campaign, problem)
        except Problem as problem:
            return _review_page(request, campaign, problem)
        is_live = launched.status == Status.LIVE
        messages.success(request, _("The campaign is live.") if is_live else _("The campaign starts by itself at its time."))
        return redirect("campaigns:detail", campaign.public_id)
    return _review_page(request, campaign, None)


def _review_page(request: HttpRequest, campaign: Campaign, problem: Problem | None) -> HttpResponse:
    missing = [
        {"text": obstacle_in_words(fault), "url": _address(campaign, STEP_OF_POINTER.get(fault.pointer, "goal"))}
        for fault in operations.obstacles(campaign=campaign, now=timezone.now())
    ]
    advice = []
    if not campaign.promise.strip():
        advice.append({"text": _("Nothing says what customers are promised."), "url": _address(campaign, "goal")})
    if queries.budget(campaign) is None:
        advice.append({"text": _("There is no budget: nothing bounds what it may give away."), "url": _address(campaign, "goal")})
    incentives = _incentives(campaign)
    given = queries.names_of_given(incentives)
    context = {
        "incentives": [(row, incentive_in_words(row, given), queries.generic_code(row)) for row in incentives],
        "channels": list(campaign.channels.all()),
        "budget": queries.budget(campaign),
        "size": size_of(campaign.audience, campaign.currency),
        "missing": missing,
        "advice": advice,
        "problem": problem,
        "addresses": {name: _address(campaign, name) for name in NAMES},
    }
    return _page(request, campaign, "review", REFUSED if problem else 200, **context)
