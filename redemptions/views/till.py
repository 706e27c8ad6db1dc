"""The till: a basket, a customer or a code, what applies and what does not, and the button that makes it true.

Everything typed travels in the form, so the page works without JavaScript; htmx only swaps the form instead of the page.
No control is named like a property of a form ("action", "remove"): it would hide the property from scripts.
"""

from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django_htmx.http import HttpResponseClientRedirect

from campaigns.models import Campaign, Status
from campaigns.operations import CodeGuard
from customers import queries as customer_queries
from customers.models import Channel, Customer, Store
from incentives_site.accounts.roles import Role, for_roles
from incentives_site.shared.addresses import client_address
from incentives_site.shared.htmx import page_or_fragment
from incentives_site.shared.problems import Problem
from incentives_site.shared.statuses import STATUS_OF_KIND
from redemptions import operations
from redemptions.forms import SaleForm, basket_of, line_forms, new_order_key
from redemptions.models import Redemption

CASHIERS = (Role.STORE, Role.MARKETER, Role.OPERATOR)
SOURCE = "till"
ROWS = 3


@dataclass(slots=True)
class Sale:
    """A sale on its way: what was typed, and what it means so far."""

    form: SaleForm
    rows: list[Any]
    codes: list[str]
    currency: str
    customer: Customer | None = None
    decision: dict[str, Any] | None = None
    problem: Problem | None = None
    expected_discount: int | None = None
    status: int = 200
    errors: list[str] = field(default_factory=list)


@for_roles(*CASHIERS)
def till(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _render(request, _new_sale(request))
    sale = _read(request, request.POST)
    action = request.POST.get("intent", "check")
    if action == "redeem" and sale.status == 200:
        redemption = _redeem(request, sale)
        if redemption is not None:
            address = reverse("redemptions:receipt", args=[redemption.public_id])
            return HttpResponseClientRedirect(address) if request.htmx else redirect(address)  # type: ignore[attr-defined]
    return _render(request, sale)


def stores_of(request: HttpRequest) -> QuerySet[Store]:
    """The stores in which the signed-in person sells; all when bound to none."""
    stores = Store.objects.filter(is_active=True, channel__is_active=True).select_related("channel").order_by("name")
    keys = request.user.store_keys  # type: ignore[union-attr]
    return stores.filter(key__in=keys) if keys else stores


def zone_of(store: Store | None) -> ZoneInfo:
    """The wall clock of a counter; UTC where there is none."""
    return ZoneInfo(store.time_zone if store else "UTC")


def _new_sale(request: HttpRequest) -> Sale:
    currency = _usual_currency()
    initial = {"order_key": new_order_key(), "currency": currency, "customer": request.GET.get("customer", "")[:320]}
    form = SaleForm(stores=stores_of(request), initial=initial)
    customer = customer_queries.at_counter(initial["customer"]) if initial["customer"] else None
    return Sale(form, line_forms(None, currency=currency, at_least=ROWS), [], currency, customer)


def _usual_currency() -> str:
    """The currency of what is live, so that nobody has to choose one at the counter."""
    live = Campaign.objects.filter(status=Status.LIVE).order_by("-launched_at").values_list("currency", flat=True).first()
    return live or settings.DEFAULT_CURRENCY


def _read(request: HttpRequest, data: QueryDict) -> Sale:
    form = SaleForm(data, stores=stores_of(request))
    form_is_valid = form.is_valid()
    currency = form.cleaned_data.get("currency") or _usual_currency()
    extra = 1 if data.get("intent") == "add-line" else 0
    blank = line_forms(data, currency=currency, at_least=ROWS)
    rows = line_forms(data, currency=currency, at_least=len(blank) + extra)
    rows_are_valid = all(row.is_valid() for row in rows if row.is_bound)
    removed = data.get("forget", "")
    typed = form.cleaned_data.get("code", "").strip()
    codes = [code for code in dict.fromkeys([*data.getlist("codes"), typed]) if code and code != removed][:30]
    sale = Sale(form, rows, codes, currency, form.cleaned_data.get("customer"))
    if not form_is_valid or not rows_are_valid:
        sale.status = 422
        return sale
    sale.form = SaleForm(
        initial={**form.cleaned_data, "customer": data.get("customer", ""), "code": ""}, stores=stores_of(request)
    )
    basket = basket_of(rows)
    if basket["lines"]:
        _quote(request, sale, basket)
    return sale


def _request_of(request: HttpRequest, sale: Sale, basket: dict[str, Any]) -> operations.Request:
    store = sale.form.initial.get("store")
    channel = store.channel if store else Channel.objects.filter(kind="store", is_active=True).order_by("pk").first()
    if channel is None:
        raise customer_queries.ChannelUnknown
    return operations.Request(
        currency=sale.currency,
        basket=basket,
        channel=channel.key,
        customer=sale.customer,
        store=store.key if store else "",
        codes=sale.codes,
        guard=CodeGuard(key=f"user:{request.user.pk}", address=client_address(request)),
    )


def _quote(request: HttpRequest, sale: Sale, basket: dict[str, Any]) -> None:
    try:
        quoted = operations.quote(_request_of(request, sale, basket), now=timezone.now())
    except Problem as problem:
        _refuse(sale, problem)
        return
    sale.decision, sale.expected_discount = quoted.data, quoted.decision.totals.discount
    sale.customer = quoted.customer


def _redeem(request: HttpRequest, sale: Sale) -> Redemption | None:
    """The redemption, or ``None`` with the refusal written on the sale. A repeated click finds what the first one made."""
    order_key = str(sale.form.initial["order_key"])
    expected = request.POST.get("expected_discount", "")
    try:
        return operations.redeem(
            _request_of(request, sale, basket_of(sale.rows)),
            source=SOURCE,
            order_key=order_key,
            placed_at=None,
            by=f"user:{request.user.pk}",
            now=timezone.now(),
            expected_discount=int(expected) if expected.isascii() and expected.isdigit() and len(expected) < 19 else None,
        )
    except operations.OrderAlreadyRedeemed:
        return Redemption.objects.get(source=SOURCE, order_key=order_key)
    except Problem as problem:
        _refuse(sale, problem)
        return None


def _refuse(sale: Sale, problem: Problem) -> None:
    sale.problem, sale.status = problem, STATUS_OF_KIND[problem.kind]
    sale.errors = [str(error.detail) for error in problem.errors]
    decision = problem.extras.get("decision")
    if isinstance(decision, dict):
        sale.decision = decision
        sale.expected_discount = decision["totals"]["discount"]


def _render(request: HttpRequest, sale: Sale) -> HttpResponse:
    template = page_or_fragment(request, page="redemptions/till.html", fragment="redemptions/_sale.html")
    return render(request, template, {"sale": sale}, status=sale.status)
