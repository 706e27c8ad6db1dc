"""A customer's statement: what is held, and every movement that led there, with its balance after it."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from campaigns.models import Campaign, Status
from customers import queries as customer_queries
from customers.models import Customer
from incentives_site.accounts.roles import Role, for_roles
from incentives_site.shared.htmx import page_or_fragment
from incentives_site.shared.money import format_money
from redemptions import queries
from redemptions.models import Account, AccountKind

# The till shows an associate what this customer can pay with; every movement of a lifetime is not needed there.
STATEMENT_READERS = (Role.MARKETER, Role.ANALYST, Role.OPERATOR)
SELLERS = {Role.STORE, Role.MARKETER, Role.OPERATOR}
ON_A_PAGE = 25
DAYS = 12


@for_roles(*STATEMENT_READERS)
def statement(request: HttpRequest, public_id: str) -> HttpResponse:
    customer = customer_queries.by_public_id(public_id)
    accounts = queries.accounts_of(customer)
    wanted = request.GET.get("account", "")
    account = next((row for row in accounts if str(row.pk) == wanted), None)
    shown = [account] if account else accounts
    page = Paginator(queries.movements(shown), ON_A_PAGE).get_page(request.GET.get("page"))
    pictured = account or (accounts[0] if accounts else None)
    context: dict[str, Any] = {
        "customer": customer,
        "crumbs": [
            {"label": _("Customers"), "url": reverse("customers:search")},
            {"label": str(customer), "url": reverse("customers:detail", args=[customer.public_id])},
            {"label": _("Statement")},
        ],
        "accounts": [{"id": row.pk, "label": account_label(row), "active": row == account} for row in accounts],
        "chosen": account,
        "page": page,
        "movements": [_movement(entry) for entry in page],
        "picture": _picture(pictured) if pictured else None,
        "may_sell": bool(SELLERS & request.user.roles),  # type: ignore[union-attr]
        **balances(customer, usual_currency()),
    }
    template = page_or_fragment(request, page="customers/statement.html", fragment="customers/_movements.html")
    return render(request, template, context)


def usual_currency() -> str:
    """Facts and points are valued in one currency: that of the running campaigns."""
    live = Campaign.objects.filter(status=Status.LIVE).values_list("currency", flat=True).first()
    return live or settings.DEFAULT_CURRENCY


def balances(customer: Customer, currency: str) -> dict[str, Any]:
    """What the customer holds, for the profile and the statement: figures in words, and what ends when."""
    held = queries.balances_of(customer, currency=currency, now=timezone.now())
    rows: list[dict[str, Any]] = [{"label": _("Points"), "value": _points(held.points), "hint": _worth(held.worth, currency)}]
    if held.pending:
        first = {"n": _points(held.pending[0].amount), "day": held.pending[0].usable_at}
        rows.append({"label": _("Points, not yet usable"), "value": _points(held.waiting), "first": first})
    rows += [{"label": _("Credit"), "value": format_money(amount, unit)} for unit, amount in held.credit]
    rows += [{"label": _("Entries in %(contest)s") % {"contest": name}, "value": _points(n)} for name, n in held.entries]
    ends = [{"amount": amount_text(end.amount, end.unit), "day": end.last_usable_on} for end in held.ends[:6]]
    return {"balances": [] if held.is_empty else rows, "ends": ends}


def account_label(account: Account) -> str:
    if account.kind == AccountKind.ENTRIES:
        return _("Entries in %(contest)s") % {"contest": account.contest}
    kind = str(AccountKind(account.kind).label)
    return f"{kind} ({account.unit})" if account.kind == AccountKind.CREDIT else kind


def amount_text(amount: int, unit: str) -> str:
    """Points and entries as numbers, money as money."""
    return _points(amount) if unit in ("points", "entries") else format_money(amount, unit)


def _points(amount: int) -> str:
    return str(number_format(amount, force_grouping=True)).replace("-", "−")


def _worth(worth: int | None, currency: str) -> str:
    return _("worth %(amount)s") % {"amount": format_money(worth, currency)} if worth else ""


def _movement(entry: Any) -> dict[str, Any]:
    posting, unit = entry.posting, entry.account.unit
    return {
        "at": posting.posted_at,
        "what": str(posting.get_kind_display()),
        "why": posting.reason,
        "account": account_label(entry.account),
        "amount": ("+" if entry.amount > 0 else "") + amount_text(entry.amount, unit),
        "is_less": entry.amount < 0,
        "running": amount_text(entry.running, unit),
        "redemption": posting.redemption,
    }


def _picture(account: Account) -> dict[str, Any]:
    days: Sequence[tuple[Any, int]] = queries.closing_balances(account, most=DAYS)
    return {
        "label": account_label(account),
        "numbers": [balance for _day, balance in days],
        "rows": [{"day": day, "balance": amount_text(balance, account.unit)} for day, balance in days],
    }
