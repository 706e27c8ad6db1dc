"""What is held of one customer: handed out as a file, or erased. For operators."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from customers import operations, queries
from customers.forms import ErasureForm
from customers.models import Customer
from incentives_site.accounts.roles import Role, for_roles


@for_roles(Role.OPERATOR)
def data(request: HttpRequest, public_id: str) -> HttpResponse:
    customer = queries.by_public_id(public_id)
    form = ErasureForm(customer=customer)
    if request.method != "POST":
        return _page(request, customer, form)
    by, does = f"user:{request.user.pk}", request.POST.get("does", "")
    if does == "export":
        text, receipt = operations.export(customer=customer, by=by, now=timezone.now())
        return HttpResponse(
            text,
            content_type="application/json",
            headers={
                "Content-Disposition": f'attachment; filename="customer-{receipt.public_id}.json"',
                "Export-Receipt": str(receipt.public_id),
            },
        )
    form = ErasureForm(request.POST, customer=customer)
    if does == "erase" and form.is_valid():
        receipt_of = operations.erase(customer=customer, by=by, now=timezone.now())
        messages.success(request, _("Erased. The number of the receipt: %(number)s") % {"number": receipt_of.public_id})
        return HttpResponseRedirect(reverse("customers:search"))
    return _page(request, customer, form, status=422)


def _page(request: HttpRequest, customer: Customer, form: ErasureForm, status: int = 200) -> HttpResponse:
    held = [(holding.label, holding.count(customer)) for holding in operations.holdings()]
    context: dict[str, Any] = {
        "customer": customer,
        "crumbs": [
            {"label": _("Customers"), "url": reverse("customers:search")},
            {"label": str(customer), "url": reverse("customers:detail", args=[customer.public_id])},
            {"label": _("Data")},
        ],
        "held": [{"label": str(label).capitalize(), "value": count} for label, count in held],
        "asked": list(queries.open_data_requests(customer)),
        "exports": queries.exports_of(customer.pk),
        "form": form,
    }
    return render(request, "customers/data.html", context, status=status)
