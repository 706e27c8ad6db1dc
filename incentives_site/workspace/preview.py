"""The preview of a campaign: what a basket would get if the campaign were live, beside everything that is. Stores nothing."""

import datetime
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns import operations
from campaigns import queries as campaign_queries
from campaigns.models import Campaign, Claim, Incentive, Limit, Status
from campaigns.rules.awards import open_to
from campaigns.rules.basket import Basket
from campaigns.rules.candidates import Candidate, LimitState, OnShort, Reason, Standing
from campaigns.rules.groups import Group
from campaigns.rules.kinds import is_unwanted
from campaigns.rules.language import Reader, Simulation, conditions_of, promise_of, read_basket, read_simulation
from campaigns.views.admission import READERS, may_write
from campaigns.wording import decision_as_data, given_in_words, incentive_in_words
from customers import queries as customer_queries
from customers.models import Channel, Customer, Purchase, PurchaseLine, Store
from customers.rules.conditions import ALWAYS
from customers.rules.faults import Misunderstood
from incentives_site.accounts.roles import for_roles
from incentives_site.shared.addresses import client_address
from incentives_site.shared.htmx import page_or_fragment
from incentives_site.shared.statuses import STATUS_OF_KIND

from .preview_form import CERTAIN, IMAGINED, PreviewForm, rows_of
from .preview_meeting import meetings

REFUSED = 422
MOST_OWN = 20
MOST_MET = 5
PURCHASES_SHOWN = 8
# The newest lines of purchases, which the page offers as articles and categories.
LINES_LOOKED_AT = 2000
MOST_OFFERED = 200
OTHERS_SHOWN = 50


@for_roles(*READERS)
def preview(request: HttpRequest, public_id: str) -> HttpResponse:
    """Without a basket the empty form; a posted basket is decided, and an htmx request gets only the outcome."""
    campaign = campaign_queries.campaign_by_public_id(public_id)
    now = timezone.now()
    own = _own(campaign)
    given = request.POST if request.method == "POST" else None
    taken = _purchase(request.POST.get("take") or request.GET.get("purchase") or "")
    initial, rows, notes = _begin(campaign, taken, given)
    form = PreviewForm(
        None if taken is not None else given,
        campaign=campaign,
        own=own,
        channels=_channels(campaign),
        stores=list(Store.objects.filter(is_active=True, channel__is_active=True).select_related("channel")),
        now=now,
        rows=rows,
        initial=initial,
    )
    context: dict[str, Any] = {"form": form, "campaign": campaign, "notes": notes, "taken": taken}
    status = 200
    if form.is_bound and "another" in request.POST:
        form.add_row()
        form.errors.clear()
    elif form.is_bound and "find" in request.POST:
        form.errors.clear()
        context["found"] = _find(request.POST.get("past", ""), campaign.currency)
    elif form.is_bound:
        guard = operations.CodeGuard(
            person=str(request.user.pk),
            address=client_address(request),
            stores=request.user.store_keys,  # type: ignore[union-attr]
        )
        try:
            outcome = _outcome(form, campaign, own, guard) if form.is_valid() else None
            status = 200 if outcome is not None else REFUSED
        except operations.TooManyWrongCodes as problem:
            form.add_error("codes", str(problem.detail))
            outcome, status = None, STATUS_OF_KIND[problem.kind]
        except operations.TooComplex as problem:
            form.add_error(None, str(problem.detail))
            outcome, status = None, REFUSED
        context["outcome"] = outcome
    template = page_or_fragment(request, page="campaigns/preview.html", fragment="campaigns/_preview_body.html")
    if not form.is_bound or template == "campaigns/preview.html":
        context |= _frame(request, campaign, own, now)
    return render(request, template, context, status=status)


def _frame(request: HttpRequest, campaign: Campaign, own: Sequence[Incentive], now: datetime.datetime) -> dict[str, Any]:
    """What stands around the basket and does not change with it."""
    given = campaign_queries.names_of_given(own)
    return {
        "crumbs": [
            {"label": _("Campaigns"), "url": reverse("campaigns:list")},
            {"label": campaign.name, "url": reverse("campaigns:detail", args=[campaign.public_id])},
            {"label": _("Preview")},
        ],
        "own": [(incentive, incentive_in_words(incentive, given)[0]) for incentive in own],
        "may_edit": may_write(request) and campaign.status in operations.REVISABLE,
        "meetings": meetings(campaign, own[:MOST_MET], now=now) if campaign.status != Status.ENDED else [],
        "offered": _offered(campaign.currency),
    }


def _own(campaign: Campaign) -> list[Incentive]:
    """The campaign's incentives that this product computes itself, as far as the language of today understands them."""
    found = campaign.incentives.exclude(effect__contains={"type": "recorded"}).select_related("stack_group")
    rows = list(found.prefetch_related("limits__counters").order_by("pk")[:MOST_OWN])
    for row in rows:
        row.campaign = campaign
    return [row for row in rows if _is_understood(row)]


def _is_understood(incentive: Incentive) -> bool:
    try:
        promise_of(incentive.effect, incentive.awards), conditions_of(incentive.conditions)
    except Misunderstood:
        return False
    return True


def _channels(campaign: Campaign) -> list[Channel]:
    """Where somebody can buy; the campaign's own channels first."""
    own = set(campaign.channels.values_list("pk", flat=True))
    return sorted(Channel.objects.filter(is_active=True, can_redeem=True), key=lambda channel: channel.pk not in own)


# --- Past baskets -----------------------------------------------------------------------------------------------------


def _purchase(public_id: str) -> Purchase | None:
    try:
        key = uuid.UUID(public_id)
    except ValueError:
        return None
    return Purchase.objects.filter(public_id=key).select_related("customer", "channel", "store").first()


def _begin(
    campaign: Campaign, taken: Purchase | None, given: Mapping[str, Any] | None
) -> tuple[dict[str, Any], list[dict[str, Any]], list[str]]:
    """What the form begins with: the past basket that was taken, with what else was already chosen."""
    if taken is None:
        return {}, [], []
    rows, is_rounded = rows_of(taken, campaign.currency)
    notes = []
    if is_rounded:
        notes.append(_("Some prices were rounded, because what was paid for several pieces does not divide evenly."))
    if taken.currency != campaign.currency:
        notes.append(
            _("The basket was paid in %(paid)s; its numbers are taken as %(currency)s.")
            % {"paid": taken.currency, "currency": campaign.currency}
        )
    if taken.lines.count() > len(rows):
        notes.append(_("Only the first %(n)s lines were taken.") % {"n": len(rows)})
    initial: dict[str, Any] = {"channel": taken.channel.key, "store": taken.store.key if taken.store else ""}
    if taken.customer is not None:
        initial |= {"who": CERTAIN, "customer": str(taken.customer.public_id)}
    if given is not None:
        initial |= {name: given[name] for name in ("at", "codes", "shipping") if given.get(name)}
    return initial, rows, notes


def _find(words: str, currency: str) -> dict[str, Any]:
    """The newest purchases of a customer, or those with an order number."""
    words = words.strip().replace("\x00", "")[:100]
    if not words:
        return {"complaint": _("Type a card, a name or an order number.")}
    customers = list(customer_queries.search(words).values_list("pk", flat=True)[:50])
    rows = (
        Purchase.objects.filter(Q(order_key=words) | Q(customer__in=customers))
        .select_related("customer", "channel", "store")
        .prefetch_related("lines")[:PURCHASES_SHOWN]
    )
    found = list(rows)
    return {"purchases": found} if found else {"complaint": _("No purchase was found by that.")}


def _offered(currency: str) -> dict[str, Any]:
    """Articles and categories of the newest purchases, to choose from while typing."""
    lines = PurchaseLine.objects.order_by("-pk").values_list("sku", "name", "category")[:LINES_LOOKED_AT]
    skus: dict[str, str] = {}
    categories: set[str] = set()
    for sku, name, category in lines:
        if len(skus) < MOST_OFFERED:
            skus.setdefault(sku, name)
        if category:
            categories.add(category)
    return {"skus": sorted(skus.items()), "categories": sorted(categories)[:MOST_OFFERED]}


# --- Deciding ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asking:
    """Everything that asks to be applied, with the names of all of it."""

    candidates: tuple[Candidate, ...]
    groups: Mapping[str, Group]
    unknown_codes: tuple[Any, ...]
    names: Mapping[str, str]
    sentences: Mapping[str, Mapping[str, Mapping[str, str]]]
    own: frozenset[str]


def _outcome(
    form: PreviewForm, campaign: Campaign, own: Sequence[Incentive], guard: operations.CodeGuard
) -> dict[str, Any] | None:
    """What the page shows of the decision; ``None`` after a refusal, which then stands in the form."""
    data = form.cleaned_data
    customer = None
    if data["who"] == CERTAIN:
        customer, complaint = _customer(data["customer"])
        if customer is None:
            form.add_error("customer", complaint)
            return None
    chosen = [incentive for incentive in own if str(incentive.public_id) in data["own"]]
    reader = Reader()
    basket = read_basket(form.basket, currency=campaign.currency, reader=reader, may_be_empty=True)
    asking = _asking(campaign, chosen, customer, basket, data, is_imagined=data["who"] == IMAGINED)
    if data["codes"]:
        named = str(customer.public_id) if customer is not None else ""
        guard(wrong=len(asking.unknown_codes), store=data["store"], customer=named)
    shown = []
    for policy in form.chosen_policies:
        try:
            asked = _asked(form, policy.policy)
        except Misunderstood as error:
            for fault in error.faults:
                field = fault.pointer.removeprefix("/policy/")
                if field in policy.fields:
                    policy.add_error(field, fault.detail)
                else:
                    form.add_error(None, fault.detail)
            return None
        shown.append(_decided(asked, asking, customer))
    return {
        "decisions": shown,
        "first": shown[0],
        "difference": _difference(shown) if len(shown) == 2 else None,
        "customer": customer,
        "is_imagined": data["who"] == IMAGINED,
        "at": data["at"].astimezone(form.zone),
        "has_own": bool(chosen),
    }


def _customer(typed: str) -> tuple[Customer | None, str]:
    found = customer_queries.at_counter(typed)
    if found is not None:
        return found, ""
    several = list(customer_queries.search(typed)[:6])
    if len(several) == 1:
        return several[0], ""
    if several:
        names = ", ".join(str(customer) for customer in several[:5])
        return None, _("Several customers are called so: %(names)s. Type a card or an e-mail address.") % {"names": names}
    return None, _("No customer is known by that.")


def _asked(form: PreviewForm, policy: Mapping[str, Any]) -> Simulation:
    """The question in the language of simulations, so that it is read by the same rules. Raises ``Misunderstood``."""
    data = form.cleaned_data
    channel = form.channels[data["channel"]]
    question: dict[str, Any] = {
        "currency": form.campaign.currency,
        "at": data["at"].isoformat(),
        "channel": {"key": channel.key, "kind": channel.kind},
        "basket": form.basket,
        "policy": dict(policy),
    }
    if data["store"]:
        question["store"] = {"key": data["store"]}
    return read_simulation(question, now=data["at"])


def _asking(
    campaign: Campaign,
    own: Sequence[Incentive],
    customer: Customer | None,
    basket: Basket,
    data: Mapping[str, Any],
    *,
    is_imagined: bool,
) -> Asking:
    """What is live, what the customer holds, what the codes open, and the campaign's own incentives as if it were live."""
    found = campaign_queries.candidates(
        basket=basket, channel=data["channel"], customer=customer, sent=data["codes"], now=data["at"]
    )
    of_campaign = {str(public_id) for public_id in campaign.incentives.values_list("public_id", flat=True)}
    others = [candidate for candidate in found.candidates if candidate.key not in of_campaign]
    mine = [
        _as_if_live(incentive, customer, position, is_imagined=is_imagined)
        for position, incentive in enumerate(own, start=len(others))
    ]
    if customer is not None and customer.consent:
        mine = [
            _as_wished(candidate, incentive, customer, data["channel"]) for candidate, incentive in zip(mine, own, strict=True)
        ]
    groups = {row.key: campaign_queries.group_of(row) for row in {incentive.stack_group for incentive in own}}
    return Asking(
        candidates=(*others, *mine),
        groups={**found.groups, **groups},
        unknown_codes=tuple(found.unknown_codes),
        names={candidate.key: candidate.name for candidate in (*others, *mine)},
        sentences={
            **{key: source.incentive.sentences for key, source in found.sources.items()},
            **{str(incentive.public_id): incentive.sentences for incentive in own},
        },
        own=frozenset(candidate.key for candidate in mine),
    )


def _as_if_live(incentive: Incentive, customer: Customer | None, position: int, *, is_imagined: bool) -> Candidate:
    """The incentive as it would ask once its campaign is launched, with its code shown or its grant held.

    An imagined customer belongs to the audience and has used nothing; a certain one is judged as at the till.
    """
    campaign = incentive.campaign
    redeemed_in = frozenset(campaign.channels.filter(can_redeem=True, is_active=True).values_list("key", flat=True))
    effect, awards = promise_of(incentive.effect, incentive.awards)
    return Candidate(
        key=str(incentive.public_id),
        name=incentive.name,
        group=incentive.stack_group.key,
        priority=incentive.priority,
        conditions=conditions_of(incentive.conditions),
        effect=effect,
        awards=awards,
        standing=Standing(
            is_live=True,
            starts_at=campaign.starts_at,
            ends_at=campaign.ends_at,
            # A draft without channels yet is shown in all of them.
            channels=redeemed_in or None,
            currency=campaign.currency if open_to(effect, awards) is None else None,
            audience=ALWAYS if is_imagined else campaign_queries.audience_condition(campaign),
            limits=_limits(incentive, customer, is_imagined=is_imagined),
            time_zone=campaign.time_zone,
        ),
        position=position,
    )


def _as_wished(candidate: Candidate, incentive: Incentive, customer: Customer, channel: str) -> Candidate:
    """As at the till: what this customer does not want to be addressed with is refused; a grant would not have been given."""
    is_chosen = incentive.claim == Claim.GRANT
    brings_it = incentive.claim == Claim.CODE
    if brings_it or not is_unwanted(candidate, customer_queries.wishes_of(customer), channel, is_chosen_for_them=is_chosen):
        return candidate
    return replace(candidate, standing=replace(candidate.standing, refusal=Reason.OPTED_OUT))


def _limits(incentive: Incentive, customer: Customer | None, *, is_imagined: bool) -> tuple[LimitState, ...]:
    states = []
    for row in Limit.objects.filter(Q(incentive=incentive) | Q(campaign=incentive.campaign)).order_by("pk"):
        used = campaign_queries.used_of(row, customer)
        if used is None:
            # As at the till: a limit per customer cannot be kept for somebody unknown.
            used = 0 if is_imagined else row.maximum
        states.append(LimitState(row.pk, row.measure, row.per, row.maximum, used, OnShort(row.on_short)))
    return tuple(states)


def _decided(asked: Simulation, asking: Asking, customer: Customer | None) -> dict[str, Any]:
    decision = operations.decide(
        basket=asked.basket,
        candidates=asking.candidates,
        groups=asking.groups,
        policy=asked.policy,
        unknown_codes=asking.unknown_codes,
        surroundings=replace(asked.surroundings, customer=customer_queries.known_of(customer) if customer else None),
    )
    return _shown(decision_as_data(decision, asking.names, asking.sentences), asked, asking)


# --- Showing ----------------------------------------------------------------------------------------------------------


def _shown(data: Mapping[str, Any], asked: Simulation, asking: Asking) -> dict[str, Any]:
    """The decision as the page shows it, made from its public form (``docs/api.md``)."""
    currency = str(data["currency"])
    given = campaign_queries.names_of(
        str(award["incentive"]) for item in data["applied"] for award in item["awards"] if award["type"] == "grant"
    )
    applied = [
        {**item, "is_own": item["incentive"] in asking.own, "gives": given_in_words(item["awards"], currency, given)}
        for item in data["applied"]
    ]
    refused = [{**item, "is_own": item["incentive"] in asking.own} for item in data["inapplicable"]]
    skipped = [
        {**item, "is_own": item["incentive"] in asking.own, "winner_name": asking.names.get(item.get("winner", ""), "")}
        for item in data["skipped"]
    ]
    near = [item for item in refused if item.get("missing") is not None]
    rest = sorted((item for item in refused if item.get("missing") is None), key=lambda item: not item["is_own"])
    goods = {line.id: line for line in asked.basket.lines}
    return {
        "data": data,
        "totals": data["totals"],
        "lines": [
            {**row, "goods": goods.get(row["line"]), "parts": _parts(applied, "lines", "line", row["line"])}
            for row in data["lines"]
        ],
        "shipping": [{**row, "parts": _parts(applied, "shipping", "method", row["method"])} for row in data["shipping"]],
        "applied": applied,
        "skipped": sorted(skipped, key=lambda item: not item["is_own"]),
        "near": sorted(near, key=lambda item: not item["is_own"]),
        "refused": rest[:OTHERS_SHOWN],
        "more_refused": max(0, len(rest) - OTHERS_SHOWN),
        "own_applied": sum(item["amount"] for item in applied if item["is_own"]),
    }


def _parts(applied: Sequence[Mapping[str, Any]], kind: str, name: str, key: str) -> list[dict[str, Any]]:
    """What each applied incentive takes off one line."""
    return [
        {"name": item["name"], "amount": share["amount"], "units": share.get("units"), "is_own": item["is_own"]}
        for item in applied
        for share in item[kind]
        if share[name] == key
    ]


def _difference(decisions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The two decisions beside each other: what each line pays and what each incentive gives, and where they differ."""
    first, second = decisions
    lines = [
        {"name": _name_of(a), "first": a["payable"], "second": b["payable"], "differs": a["payable"] != b["payable"]}
        for a, b in zip([*first["lines"], *first["shipping"]], [*second["lines"], *second["shipping"]], strict=True)
    ]
    amounts = [{item["incentive"]: item["amount"] for item in decision["applied"]} for decision in decisions]
    names = {item["incentive"]: item["name"] for decision in decisions for item in decision["applied"]}
    incentives = [
        {
            "name": name,
            "first": amounts[0].get(key),
            "second": amounts[1].get(key),
            "differs": amounts[0].get(key) != amounts[1].get(key),
        }
        for key, name in names.items()
    ]
    saved = first["totals"]["payable"] - second["totals"]["payable"]
    return {
        "lines": lines,
        "incentives": incentives,
        "first": first["totals"],
        "second": second["totals"],
        "differs": saved != 0 or any(row["differs"] for row in [*lines, *incentives]),
        "saved": abs(saved),
        "cheaper": "second" if saved > 0 else "first" if saved < 0 else "",
    }


def _name_of(row: Mapping[str, Any]) -> str:
    if "method" in row:
        return str(row["method"])
    goods = row["goods"]
    return f"{goods.quantity} × {goods.sku}" if goods else str(row["line"])
