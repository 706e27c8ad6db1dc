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
from redemptions import operations, queries
from redemptions.forms import SaleForm, TenderForm, basket_of, line_forms, new_order_key
from redemptions.models import Redemption
from redemptions.wording import tender_kind, tender_label, tender_refused

CASHIERS = (Role.STORE, Role.MARKETER, Role.OPERATOR)
SOURCE = "till"
ROWS = 3
MOST_CARDS = 3


@dataclass(frozen=True, slots=True)
class Payment:
    """What one tender pays (``amount`` minor units), or why it pays nothing. ``code`` is a gift card's, ``mask`` its end."""

    kind: str
    label: str
    amount: int = 0
    refusal: str = ""
    code: str = ""

    @property
    def mask(self) -> str:
        return f"…{self.code[-4:]}" if self.code else ""


@dataclass(slots=True)
class Sale:
    """A sale on its way: what was typed, and what it means so far."""

    form: SaleForm
    rows: list[Any]
    codes: list[str]
    currency: str
    tenders: TenderForm
    cards: list[str] = field(default_factory=list)
    customer: Customer | None = None
    balances: queries.Balances | None = None
    payments: list[Payment] = field(default_factory=list)
    decision: dict[str, Any] | None = None
    problem: Problem | None = None
    expected_discount: int | None = None
    status: int = 200
    errors: list[str] = field(default_factory=list)

    @property
    def credit(self) -> int:
        """The customer's credit in the currency of the sale."""
        return self.balances.credit_in(self.currency) if self.balances else 0

    @property
    def shows_tenders(self) -> bool:
        """Once there is something to pay, and as long as a choice was typed that must not get lost."""
        return self.decision is not None or bool(self.tenders.errors or self.asked_tenders)

    @property
    def asked_tenders(self) -> list[dict[str, Any]]:
        """What the form asks to pay with, as ``operations.Request`` reads it."""
        typed = getattr(self.tenders, "cleaned_data", {})
        asked: list[dict[str, Any]] = [
            {"type": kind, **({"amount": typed[kind]} if typed.get(kind) else {})}
            for kind in ("points", "credit")
            if typed.get(f"use_{kind}")
        ]
        return [*asked, *({"type": "gift_card", "code": code} for code in self.cards)]

    @property
    def agreed_tenders(self) -> list[dict[str, Any]]:
        """What pays, with the amounts that were shown: less is a change that the customer has to hear of first."""
        return [
            {"type": paid.kind, "amount": paid.amount, **({"code": paid.code} if paid.code else {})}
            for paid in self.payments
            if paid.amount
        ]

    def take(self, decision: dict[str, Any]) -> None:
        """Split a decision into what incentives do and what tenders pay."""
        self.expected_discount = decision["totals"]["discount"]
        paid, refused, left = [], [], decision["totals"]["payable"]
        shown = {**decision, "applied": [], "inapplicable": [], "skipped": []}
        for item in decision["applied"]:
            kind = tender_kind(item)
            if kind:
                paid.append(Payment(kind, tender_label(kind), item["stored_value"], code=item.get("code", "")))
            else:
                shown["applied"].append(item)
        for name in ("inapplicable", "skipped"):
            for item in decision[name]:
                kind = tender_kind(item, self.cards)
                if kind:
                    code = item.get("sent_code", "")
                    refused.append(
                        Payment(kind, tender_label(kind), refusal=tender_refused(kind, item["code"], left=left), code=code)
                    )
                else:
                    shown[name].append(item)
        self.decision, self.payments = shown, [*paid, *refused]
        # A card that nobody knows is said once, and not guessed again with every change of the basket.
        unknown = {item.get("sent_code") for item in decision["inapplicable"] if not item.get("incentive")}
        self.cards = [code for code in self.cards if code not in unknown]


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


def is_bound(request: HttpRequest) -> bool:
    """Whether the signed-in person sells in certain stores only, and therefore always in one of them."""
    return bool(request.user.store_keys)  # type: ignore[union-attr]


def zone_of(store: Store | None) -> ZoneInfo:
    """The wall clock of a counter; UTC where there is none."""
    return ZoneInfo(store.time_zone if store else "UTC")


def _new_sale(request: HttpRequest) -> Sale:
    currency = _usual_currency()
    initial = {"order_key": new_order_key(), "currency": currency, "customer": request.GET.get("customer", "")[:320]}
    form = SaleForm(stores=stores_of(request), is_bound_to_stores=is_bound(request), initial=initial)
    customer = customer_queries.at_counter(initial["customer"]) if initial["customer"] else None
    rows = line_forms(None, currency=currency, at_least=ROWS)
    return Sale(form, rows, [], currency, TenderForm(currency=currency, prefix="pay"), customer=customer)


def _usual_currency() -> str:
    """The currency of what is live, so that nobody has to choose one at the counter."""
    live = Campaign.objects.filter(status=Status.LIVE).order_by("-launched_at").values_list("currency", flat=True).first()
    return live or settings.DEFAULT_CURRENCY


def _read(request: HttpRequest, data: QueryDict) -> Sale:
    form = SaleForm(data, stores=stores_of(request), is_bound_to_stores=is_bound(request))
    form_is_valid = form.is_valid()
    currency = form.cleaned_data.get("currency") or _usual_currency()
    extra = 1 if data.get("intent") == "add-line" else 0
    blank = line_forms(data, currency=currency, at_least=ROWS)
    rows = line_forms(data, currency=currency, at_least=len(blank) + extra)
    rows_are_valid = all(row.is_valid() for row in rows if row.is_bound)
    removed = data.get("forget", "")
    typed = form.cleaned_data.get("code", "").strip()
    codes = [code for code in dict.fromkeys([*data.getlist("codes"), typed]) if code and code != removed][:30]
    tenders = TenderForm(data, currency=currency, prefix="pay")
    tenders_are_valid = tenders.is_valid()
    card = tenders.cleaned_data.get("card", "").strip()
    cards = [code for code in dict.fromkeys([*data.getlist("cards"), card]) if code and code != data.get("forget-card", "")]
    sale = Sale(form, rows, codes, currency, tenders, cards=cards[:MOST_CARDS], customer=form.cleaned_data.get("customer"))
    if not form_is_valid or not rows_are_valid or not tenders_are_valid:
        sale.status = 422
        return sale
    sale.form = SaleForm(
        initial={**form.cleaned_data, "customer": data.get("customer", ""), "code": ""},
        stores=stores_of(request),
        is_bound_to_stores=is_bound(request),
    )
    basket = basket_of(rows)
    if basket["lines"]:
        _quote(request, sale, basket)
    return sale


def _request_of(request: HttpRequest, sale: Sale, basket: dict[str, Any], tenders: list[dict[str, Any]]) -> operations.Request:
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
        tenders=tenders,
        guard=CodeGuard(
            person=str(request.user.pk),
            address=client_address(request),
            stores=request.user.store_keys,  # type: ignore[union-attr]
        ),
    )


def _quote(request: HttpRequest, sale: Sale, basket: dict[str, Any]) -> None:
    try:
        quoted = operations.quote(_request_of(request, sale, basket, sale.asked_tenders), now=timezone.now())
    except Problem as problem:
        _refuse(sale, problem)
        return
    sale.customer = quoted.customer
    sale.take(quoted.data)


def _redeem(request: HttpRequest, sale: Sale) -> Redemption | None:
    """The redemption, or ``None`` with the refusal written on the sale. A repeated click finds what the first one made."""
    order_key = str(sale.form.initial["order_key"])
    try:
        return operations.redeem(
            _request_of(request, sale, basket_of(sale.rows), sale.agreed_tenders),
            source=SOURCE,
            order_key=order_key,
            placed_at=None,
            by=f"user:{request.user.pk}",
            now=timezone.now(),
            expected_discount=posted_amount(request, "expected_discount"),
            expected_payable=posted_amount(request, "expected_payable"),
        )
    except operations.OrderAlreadyRedeemed:
        return Redemption.objects.get(source=SOURCE, order_key=order_key)
    except Problem as problem:
        _refuse(sale, problem)
        return None


def posted_amount(request: HttpRequest, name: str) -> int | None:
    """What the page said when it was shown; nothing for what no page of ours has sent."""
    text = request.POST.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _refuse(sale: Sale, problem: Problem) -> None:
    sale.problem, sale.status = problem, STATUS_OF_KIND[problem.kind]
    sale.errors = [str(error.detail) for error in problem.errors]
    decision = problem.extras.get("decision")
    if isinstance(decision, dict):
        sale.take(decision)


def _ready_for_more(sale: Sale) -> None:
    """A card that was taken leaves its field empty for the next one."""
    if sale.tenders.is_bound and sale.tenders.is_valid():
        typed = {name: sale.tenders.data.get(f"pay-{name}", "") for name in ("points", "credit")}
        chosen = {name: sale.tenders.cleaned_data[name] for name in ("use_points", "use_credit")}
        sale.tenders = TenderForm(initial={**typed, **chosen}, currency=sale.currency, prefix="pay")


def _render(request: HttpRequest, sale: Sale) -> HttpResponse:
    template = page_or_fragment(request, page="redemptions/till.html", fragment="redemptions/_sale.html")
    if sale.customer is not None:
        sale.balances = queries.balances_of(sale.customer, currency=sale.currency, now=timezone.now())
    _ready_for_more(sale)
    return render(request, template, {"sale": sale}, status=sale.status)
