"""Lists of customers to take out: of a search or a segment, line by line, however many there are."""

import csv
from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import QuerySet

from ..models import Customer, SegmentMember
from ._reading import search
from ._segments import segment_by_public_id

AT_ONCE = 2_000
KINDS = ("email", "phone", "loyalty_card", "user_id")
FACTS = ("orders", "spend", "last_purchase_on", "stage")
HEADS = ("id", "name", "language", *KINDS, "opted_out", "first_seen", *FACTS)
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def customers_of(*, words: str = "", segment: str = "") -> tuple[QuerySet[Customer], str]:
    """Whom a search or a segment (by its public id) finds, and what to call that. Raises ``SegmentUnknown``."""
    everybody = Customer.objects.filter(forwarded_to=None, erased_at=None)
    if segment:
        found = segment_by_public_id(segment)
        return everybody.filter(pk__in=SegmentMember.objects.filter(segment=found).values("customer")), f"segment {found.key}"
    if words.strip():
        return everybody.filter(pk__in=search(words).order_by().values("pk")), f"search “{words.strip()[:200]}”"
    return everybody, "all"


def customers_as_csv(found: QuerySet[Customer]) -> Iterator[str]:
    """CSV in UTF-8 with a mark, so that spreadsheets read it; cells that they would take for formulas are defused."""
    writer = csv.writer(_Echo())
    yield "\ufeff" + writer.writerow(HEADS)
    for customer in found.prefetch_related("identities").order_by("pk").iterator(chunk_size=AT_ONCE):
        yield writer.writerow([_safe(cell) for cell in _cells(customer)])


def _cells(customer: Customer) -> Iterable[Any]:
    named: dict[str, list[str]] = {}
    for identity in customer.identities.all():
        named.setdefault(identity.kind, []).append(identity.value)
    return (
        customer.public_id,
        customer.display_name,
        customer.language,
        *("; ".join(sorted(named.get(kind, ()))) for kind in KINDS),
        "yes" if "opted_out" in customer.consent else "no",
        customer.first_seen_at.date().isoformat(),
        *(customer.facts.get(name, "") for name in FACTS),
    )


def _safe(cell: Any) -> Any:
    if not isinstance(cell, str) or not cell.startswith(FORMULA) or cell[1:].isdigit():
        return cell
    return "'" + cell


class _Echo:
    """What a csv writer writes to: it hands back the line."""

    def write(self, line: str) -> str:
        return line
