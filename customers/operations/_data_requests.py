"""What customers ask for on their own page: a copy of what is held of them, or to be forgotten (``docs/consent.md``, Requests).

Nothing is carried out by asking. The link may have come into other hands, so whoever is known by an address or a number types
one; an operator looks at it and carries it out; until then it is shown on the page and can be taken back there.
"""

import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from incentives_site.shared.problems import FieldError, Invalid, Kind, Problem

from ..models import Customer, DataRequest, DataRequestKind, DataRequestState
from ..queries import is_named_by, open_data_requests, telling_kinds_of
from ..rules.timeline import EventType
from ._consent import today_of
from ._track import track

DAYS_TO_ANSWER = 30
NAMES = {DataRequestKind.EXPORT: "Data Copy Requested", DataRequestKind.ERASURE: "Erasure Requested"}


class DataRequestSettled(Problem):
    code = "data-request-settled"
    title = gettext_lazy("This request is not open any more")
    kind = Kind.CONFLICT


def request_data(
    *, customer: Customer, kind: DataRequestKind, typed: str, language: str, now: datetime.datetime
) -> tuple[DataRequest, bool]:
    """Write the wish down; the request, and whether it is new: while one is open, another of its kind is the same.

    ``typed`` has to be an address or number of the customer, where one is known. Raises ``Invalid`` at ``/typed``.
    """
    can_be_named = bool(telling_kinds_of(customer))
    if can_be_named and not is_named_by(customer, typed):
        raise Invalid(errors=[FieldError("/typed", "not-known", _("This is not what we know you by. Nothing was asked for."))])
    with transaction.atomic():
        # Two at once: the second finds the first.
        Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
        for row in open_data_requests(customer):
            if row.kind == kind:
                return row, False
        row = DataRequest.objects.create(
            customer=customer,
            kind=kind,
            asked_at=now,
            due_on=today_of(customer, now) + datetime.timedelta(days=DAYS_TO_ANSWER),
            language=language,
            was_named=can_be_named,
        )
        _tell(row, NAMES[kind], now)
        return row, True


def withdraw_data_request(*, customer: Customer, kind: DataRequestKind, now: datetime.datetime) -> bool:
    """The customer takes it back; whether there was one. Customers who became one may have had one each."""
    with transaction.atomic():
        taken = [
            row
            for row in open_data_requests(customer)
            if row.kind == kind and _settle(row, DataRequestState.WITHDRAWN, "customer", "", now)
        ]
        for row in taken:
            _tell(row, "Data Request Withdrawn", now)
    return bool(taken)


def settle_data_request(*, row: DataRequest, state: DataRequestState, by: str, now: datetime.datetime, reason: str = "") -> None:
    """An operator has carried it out, or refuses it with a reason. Erasing settles its request by itself.

    Raises ``Invalid`` without a reason for refusing and for an erasure said to be done, and ``DataRequestSettled``.
    """
    if state == DataRequestState.REFUSED and not reason.strip():
        raise Invalid(errors=[FieldError("/reason", "required", _("Say why: the customer may ask."))])
    if state == DataRequestState.DONE and row.kind == DataRequestKind.ERASURE:
        raise Invalid(errors=[FieldError("/state", "not-erased", _("Erase the customer: that settles it."))])
    with transaction.atomic():
        if not _settle(row, state, by, reason.strip()[:300], now):
            raise DataRequestSettled(_("It was carried out, taken back or refused meanwhile."))
        _tell(row, "Data Request Refused" if state == DataRequestState.REFUSED else "Data Request Carried Out", now)


def _settle(row: DataRequest, state: DataRequestState, by: str, reason: str, now: datetime.datetime) -> bool:
    found = DataRequest.objects.filter(pk=row.pk, state=DataRequestState.OPEN)
    return found.update(state=state, settled_at=now, settled_by=by, reason=reason) == 1


def _tell(row: DataRequest, name: str, now: datetime.datetime) -> None:
    track(
        customer=row.customer,
        type=EventType.TRACK,
        source="customers",
        message_id=f"data-request:{row.public_id}:{name}"[:100],
        occurred_at=now,
        received_at=now,
        name=name,
        properties={"request": str(row.public_id), "kind": row.kind},
    )
