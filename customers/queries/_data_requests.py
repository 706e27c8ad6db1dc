"""What customers have asked for about their data, and whether somebody who asks is known by what they type."""

import datetime
import uuid
from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from incentives_site.shared.problems import NotFound

from ..models import Customer, DataRequest, DataRequestState, Identity
from ..rules.faults import Misunderstood
from ._identities import identity_rules, normalised

# What a person has at hand and others do not read off a link.
TELLING = ("email", "phone", "loyalty_card", "user_id")
MOST_SETTLED = 50


class DataRequestUnknown(NotFound):
    code = "data-request-unknown"
    title = _("There is no such request")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request with how it stands to the day by which it has to be answered."""

    row: DataRequest
    is_late: bool


def telling_kinds_of(customer: Customer) -> list[str]:
    """The kinds of identifiers by which the customer can say who it is."""
    held = set(Identity.objects.filter(customer=customer, kind__in=TELLING).values_list("kind", flat=True))
    return [kind for kind in TELLING if kind in held]


def is_named_by(customer: Customer, typed: str) -> bool:
    """Whether the text is one of the customer's addresses or numbers, however it is written."""
    rules = identity_rules()
    meant = set()
    for kind in TELLING:
        try:
            meant.add(normalised(kind, typed, rules))
        except Misunderstood:
            continue
    held = Identity.objects.filter(customer=customer, kind__in=TELLING).values_list("kind", "value")
    return not meant.isdisjoint(held)


def open_data_requests(customer: Customer) -> QuerySet[DataRequest]:
    """What the customer waits for, the oldest first."""
    return DataRequest.objects.filter(customer=customer, state=DataRequestState.OPEN).order_by("pk")


def data_requests(*, today: datetime.date) -> tuple[list[Asked], list[DataRequest]]:
    """Those that are open, the one to answer first on top; and the latest that were settled."""
    rows = DataRequest.objects.select_related("customer")
    waiting = rows.filter(state=DataRequestState.OPEN).order_by("due_on", "pk")
    settled = rows.exclude(state=DataRequestState.OPEN).order_by("-settled_at", "-pk")[:MOST_SETTLED]
    return [Asked(row, row.due_on < today) for row in waiting], list(settled)


def count_open_data_requests() -> int:
    return DataRequest.objects.filter(state=DataRequestState.OPEN).count()


def data_request(public_id: uuid.UUID | str) -> DataRequest:
    """Raises ``DataRequestUnknown``."""
    row = DataRequest.objects.select_related("customer").filter(public_id=public_id).first()
    if row is None:
        raise DataRequestUnknown
    return row
