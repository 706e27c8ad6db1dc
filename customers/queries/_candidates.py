"""Customers who may be the same person as one: what speaks for it, found by a few bounded, indexed queries."""

import datetime
import enum
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q

from ..models import Customer, Event, Identity, KeptApart
from ..rules.faults import Misunderstood
from ._identities import normalised

MOST_EVENTS = 500  # of the newest, in which dropped identifiers are looked for
MOST_NAMESAKES = 50
MOST_PROPOSED = 10
# Addresses at these say nothing about who somebody is.
ANYBODYS_MAIL = frozenset(
    [
        "gmail.com",
        "googlemail.com",
        "outlook.com",
        "hotmail.com",
        "live.com",
        "yahoo.com",
        "icloud.com",
        "me.com",
        "gmx.de",
        "gmx.net",
        "web.de",
        "t-online.de",
        "aol.com",
        "proton.me",
        "protonmail.com",
        "mail.ru",
        "qq.com",
        "163.com",
        "orange.fr",
        "free.fr",
        "laposte.net",
        "libero.it",
    ]
)
TELLING_TRAITS = ("city", "postal_code", "postalCode", "zip", "street", "address", "birthday", "birth_date", "date_of_birth")
KINDS_THAT_SHARE_VALUES = ("user_id", "email", "phone", "loyalty_card", "device_id", "anonymous_id", "account")


class Sign(enum.StrEnum):
    """What speaks for two customers being one."""

    DROPPED = "dropped"  # an event of the one named an identifier of the other, and it was not used
    SAID = "said"  # what was said about the one is an identifier of the other
    SAME_VALUE = "same-value"  # the same value as another kind of identifier
    SAME_NAME = "same-name"
    SAME_TRAIT = "same-trait"
    SAME_MAIL_DOMAIN = "same-mail-domain"


@dataclass(frozen=True, slots=True)
class Clue:
    """``what`` names an identifier kind or a trait, ``value`` what both have."""

    sign: Sign
    what: str
    value: str


@dataclass(frozen=True, slots=True)
class Candidate:
    customer: Customer
    clues: tuple[Clue, ...]


@dataclass(frozen=True, slots=True)
class NotUsed:
    """An identifier that an event of a customer named and that was not used: why (``rules.resolution.Dropped``), whose it is."""

    at: datetime.datetime
    event: str
    source: str
    kind: str
    value: str
    reason: str
    owner: Customer | None


@dataclass(slots=True)
class _Found:
    by_customer: dict[int, list[Clue]] = field(default_factory=dict)

    def add(self, customer_id: int, clue: Clue) -> None:
        clues = self.by_customer.setdefault(customer_id, [])
        if clue not in clues:
            clues.append(clue)


def not_used(customer: Customer, *, most: int = 50) -> list[NotUsed]:
    """The identifiers that were dropped from the newest events of the customer, each once with its latest event."""
    rows = (
        Event.objects.filter(customer=customer)
        .order_by("-occurred_at", "-id")
        .values_list("occurred_at", "type", "name", "source", "context__identity__dropped")[:MOST_EVENTS]
    )
    latest: dict[tuple[str, str], tuple[Any, ...]] = {}
    for at, type_, name, source, dropped in rows:
        for item in dropped if isinstance(dropped, list) else ():
            if isinstance(item, list) and len(item) == 3 and len(latest) < most:
                latest.setdefault((str(item[0]), str(item[1])), (at, name or type_, source, str(item[2])))
    owners = _owners(latest)
    return [
        NotUsed(at, event, source, kind, value, reason, owners.get((kind, value)))
        for (kind, value), (at, event, source, reason) in latest.items()
    ]


def _owners(identifiers: Any) -> dict[tuple[str, str], Customer]:
    kinds, values = {kind for kind, _value in identifiers}, {value for _kind, value in identifiers}
    found = Identity.objects.filter(kind__in=kinds, value__in=values).select_related("customer")
    return {(row.kind, row.value): row.customer for row in found}


def kept_apart(customer: Customer) -> list[tuple[Customer, KeptApart]]:
    """Whom no event joins with the customer any more, and who said so."""
    rows = KeptApart.objects.filter(Q(one=customer) | Q(other=customer)).select_related("one", "other").order_by("-since")[:50]
    return [(row.other if row.one_id == customer.pk else row.one, row) for row in rows]


def candidates(customer: Customer, *, dropped: list[NotUsed]) -> list[Candidate]:
    """Who may be the same person, those for whom most speaks first; ``dropped`` are what ``not_used`` found. At most ten.

    Who was taken apart from the customer is not proposed again.
    """
    found = _Found()
    for item in dropped:
        if item.owner is not None and item.owner.pk != customer.pk:
            found.add(item.owner.pk, Clue(Sign.DROPPED, item.kind, item.value))
    own = list(Identity.objects.filter(customer=customer).values_list("kind", "value")[:200])
    _said(customer, found)
    _same_value(customer, own, found)
    _namesakes(customer, own, found)
    apart = {other.pk for other, _row in kept_apart(customer)}
    best = sorted(
        (pk for pk in found.by_customer if pk not in apart and pk != customer.pk),
        key=lambda pk: (-len(found.by_customer[pk]), pk),
    )[:MOST_PROPOSED]
    people = Customer.objects.filter(pk__in=best, forwarded_to=None, erased_at=None).prefetch_related("identities").in_bulk()
    return [Candidate(people[pk], tuple(found.by_customer[pk])) for pk in best if pk in people]


def _said(customer: Customer, found: _Found) -> None:
    """A trait that is somebody else's identifier."""
    asked: dict[tuple[str, str], str] = {}
    for name in ("email", "phone", "loyalty_card"):
        try:
            asked[normalised(name, customer.traits.get(name))] = name
        except Misunderstood:
            continue
    for (kind, value), owner in _owners(asked).items() if asked else ():
        if owner.pk != customer.pk and (kind, value) in asked:
            found.add(owner.pk, Clue(Sign.SAID, kind, value))


def _same_value(customer: Customer, own: list[tuple[str, str]], found: _Found) -> None:
    values = {value for _kind, value in own if len(value) >= 4}
    if not values:
        return
    rows = Identity.objects.filter(kind__in=KINDS_THAT_SHARE_VALUES, value__in=values).exclude(customer=customer)
    for kind, value, pk in rows.values_list("kind", "value", "customer_id")[:MOST_NAMESAKES]:
        found.add(pk, Clue(Sign.SAME_VALUE, kind, value))


def _namesakes(customer: Customer, own: list[tuple[str, str]], found: _Found) -> None:
    """The same name alone says little: one more thing has to be the same."""
    if not customer.display_name.strip():
        return
    same = (
        Customer.objects.filter(display_name__iexact=customer.display_name, forwarded_to=None)
        .exclude(pk=customer.pk)
        .prefetch_related("identities")
    )
    domains = {value.rpartition("@")[2] for kind, value in own if kind == "email"} - ANYBODYS_MAIL
    traits = {name: customer.traits[name] for name in TELLING_TRAITS if customer.traits.get(name) not in (None, "")}
    alike = Q(pk__in=[])
    for name, value in traits.items():
        alike |= Q(traits__contains={name: value})
    for domain in sorted(domains)[:5]:
        alike |= Q(
            pk__in=Identity.objects.filter(kind="email", value__endswith=f"@{domain}", customer__in=same).values("customer")
        )
    for other in same.filter(alike)[:MOST_NAMESAKES]:
        found.add(other.pk, Clue(Sign.SAME_NAME, "name", other.display_name))
        for name, value in traits.items():
            if other.traits.get(name) == value:
                found.add(other.pk, Clue(Sign.SAME_TRAIT, name, str(value)))
        for identity in other.identities.all():
            domain = identity.value.rpartition("@")[2]
            if identity.kind == "email" and domain in domains:
                found.add(other.pk, Clue(Sign.SAME_MAIL_DOMAIN, "email", domain))
