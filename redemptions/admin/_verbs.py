"""What the back office may do to the ledger: adjust an account, issue a gift card. Never edit what was written."""

import datetime
import uuid
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminSingleDateWidget, UnfoldAdminTextInputWidget

from incentives_site.shared.money import format_money
from incentives_site.shared.problems import Invalid, Problem

from .. import operations
from ..forms import AdjustForm, GiftCardForm
from ..models import Account, AccountKind, CheckRun

# What is pending becomes usable by itself, and entries belong to a contest's draw: neither is put right by hand.
ADJUSTABLE = (AccountKind.POINTS, AccountKind.CREDIT, AccountKind.GIFT_CARD)


def adjust(admin: ModelAdmin, request: HttpRequest, account: Account) -> HttpResponse:
    back = reverse("admin:redemptions_account_change", args=[account.pk])
    if account.kind not in ADJUSTABLE:
        messages.error(request, _("Only points, credit and gift cards are adjusted by hand."))
        return HttpResponseRedirect(back)
    form = AdjustForm(request.POST or None, unit=account.unit, initial={"key": uuid.uuid4()})
    if request.method == "POST" and form.is_valid():
        now, amount = timezone.now(), form.cleaned_data["amount"]
        try:
            operations.adjust(
                account=account,
                amount=amount,
                key=f"adjust:{form.cleaned_data['key']}",
                by=f"user:{request.user.pk}",
                reason=form.cleaned_data["reason"],
                now=now,
                today=operations.today_of_the_programme(now),
            )
        except Problem as problem:
            refuse(form, problem)
        else:
            said = _("Adjusted by %(amount)s: %(reason)s") % {
                "amount": _spelled(amount, account.unit),
                "reason": form.cleaned_data["reason"],
            }
            admin.log_change(request, account, said)
            messages.success(request, said)
            return HttpResponseRedirect(back)
    text = _("The balance is %(balance)s.") % {"balance": _spelled(account.balance, account.unit)}
    return _ask(
        admin, request, form, title=_("Adjust %(account)s") % {"account": account}, text=text, button=_("Adjust"), back=back
    )


def issue_gift_card(admin: ModelAdmin, request: HttpRequest) -> HttpResponse:
    back = reverse("admin:redemptions_giftcard_changelist")
    form = GiftCardForm(request.POST or None, initial={"key": uuid.uuid4(), "currency": settings.DEFAULT_CURRENCY})
    if request.method == "POST" and form.is_valid():
        last: datetime.date | None = form.cleaned_data["last_usable_on"]
        try:
            card, code = operations.issue_gift_card(
                amount=form.cleaned_data["amount"],
                currency=form.cleaned_data["currency"],
                key=f"admin:{form.cleaned_data['key']}",
                by=f"user:{request.user.pk}",
                now=timezone.now(),
                last_usable_on=last,
            )
        except Problem as problem:
            refuse(form, problem)
        else:
            if code:
                admin.log_addition(request, card, _("Issued."))
                messages.warning(request, _("The code is %(code)s — copy it now, it is never shown again.") % {"code": code})
            else:
                messages.info(request, _("This card was issued before; its code was shown then."))
            return HttpResponseRedirect(back)
    text = _("Whoever knows its code can pay with it.")
    return _ask(admin, request, form, title=_("Issue a gift card"), text=text, button=_("Issue"), back=back)


def refuse(form: forms.Form, problem: Problem) -> None:
    """Put a refusal beside the field it speaks of."""
    if not isinstance(problem, Invalid):
        form.add_error(None, f"{problem.title}. {problem.detail}")
        return
    for error in problem.errors:
        name = error.pointer.removeprefix("/")
        form.add_error(name if name in form.fields else None, str(error.detail))


def alert_of_the_proof(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """On the first page of the back office: the last proof of the ledger found faults."""
    newest = CheckRun.objects.first()
    if newest is not None and newest.faults:
        found = ", ".join(f"{fault['code']} ({fault['count']})" for fault in newest.faults)
        messages.error(
            request,
            _("The last proof of the ledger, on %(day)s, found faults: %(found)s. Look at the checks of the ledger.")
            % {"day": f"{newest.ran_at:%Y-%m-%d %H:%M} UTC", "found": found},
        )
    return context


def _spelled(amount: int, unit: str) -> str:
    return f"{amount:,} {unit}" if unit == "points" else format_money(amount, unit)


def _ask(
    admin: ModelAdmin,
    request: HttpRequest,
    form: forms.Form,
    *,
    title: str,
    text: str,
    button: str,
    back: str,
) -> HttpResponse:
    for field in form.fields.values():
        kept = {name: value for name, value in field.widget.attrs.items() if name != "type"}
        if isinstance(field, forms.ChoiceField):
            field.widget = UnfoldAdminSelectWidget(attrs=kept, choices=field.choices)
        elif isinstance(field, forms.DateField):
            field.widget = UnfoldAdminSingleDateWidget(attrs=kept)
        elif not field.widget.is_hidden:
            field.widget = UnfoldAdminTextInputWidget(attrs=kept)
    context = {
        **admin.admin_site.each_context(request),
        "opts": admin.model._meta,
        "title": title,
        "text": text,
        "form": form,
        "button": button,
        "back": back,
        "media": admin.media + form.media,
    }
    return render(request, "admin/redemptions/verb.html", context, status=422 if form.errors else 200)
