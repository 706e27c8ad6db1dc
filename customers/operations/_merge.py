"""Two customers become one, and are taken apart again (``docs/profiles.md``, Merge, Split)."""

import datetime
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from incentives_site.integrations.operations import announce
from incentives_site.shared.problems import FieldError, Invalid, Kind, Problem

from ..models import Customer, Identity, KeptApart, Merge
from ..queries import identity_rules
from ..rules.resolution import VISITOR, Profile, broken_limits
from ..rules.timeline import EventType
from ._holdings import Moving, holdings, holds_worth
from ._insight import refresh_insight
from ._judge import note_changed
from ._segments import refresh_memberships
from ._track import track

Traits = Mapping[str, Any]


class CannotMerge(Problem):
    code = "cannot-merge"
    title = gettext_lazy("These customers cannot become one")
    kind = Kind.CONFLICT


class CannotSplit(Problem):
    code = "cannot-split"
    title = gettext_lazy("This merge cannot be undone")
    kind = Kind.CONFLICT


@dataclass(frozen=True, slots=True)
class Preview:
    """What a merge by hand would do: who survives, how many of what would move, and the kinds whose limit would be broken."""

    survivor: Customer
    merged: Customer
    moves: Sequence[tuple[Any, int]]
    broken: Sequence[str]


def preview_merge(*, one: Customer, other: Customer, now: datetime.datetime) -> Preview:
    """Writes nothing. Raises ``CannotMerge`` for a customer and itself, or one that became part of another."""
    survivor, merged = _in_order([one, other])
    rules = identity_rules()
    broken = broken_limits([profile_of(survivor), profile_of(merged)], at=now, rules=rules)
    return Preview(survivor, merged, [(holding.label, holding.count(merged)) for holding in holdings()], broken)


def merge(*, one: Customer, other: Customer, by: str, reason: str, now: datetime.datetime) -> Merge:
    """Make two customers one, by hand: the older survives, whatever limits it breaks. Announces ``customer.merged``.

    Raises ``Invalid`` without a reason, and ``CannotMerge``.
    """
    if not reason.strip():
        raise Invalid(errors=[FieldError("/reason", "required", _("Say why these are the same person."))])
    with transaction.atomic():
        survivor, merged = _in_order(list(locked_customers([one.pk, other.pk]).values()))
        return take_in(survivor, merged, by=by, reason=reason, now=now)


def split(*, merge: Merge, by: str, reason: str, now: datetime.datetime) -> Customer:
    """Take apart what a merge joined, and keep it apart from events; returns the customer that came out.

    What has happened since stays with the survivor. Raises ``Invalid`` without a reason, and ``CannotSplit`` when it was split
    before, or the survivor has become part of another since.
    """
    if not reason.strip():
        raise Invalid(errors=[FieldError("/reason", "required", _("Say why these are different persons."))])
    with transaction.atomic():
        customers = locked_customers([merge.survivor_id, merge.merged_id])
        survivor, merged = customers[merge.survivor_id], customers[merge.merged_id]
        if survivor.forwarded_to_id is not None:
            raise CannotSplit(_("The survivor has become part of another customer since: undo that first."))
        taken = Merge.objects.filter(pk=merge.pk, split_at=None).update(
            split_at=now, split_by=by, split_reason=reason.strip()[:300]
        )
        if taken != 1:
            raise CannotSplit(_("It was undone before."))
        merge.refresh_from_db()
        merged.forwarded_to = None
        _restore(survivor, merged, merge)
        Customer.objects.filter(pk__in=merge.before.get("forwards", []), forwarded_to=survivor).update(forwarded_to=merged)
        moving = Moving(merged, survivor, now, by, f"merge:{merge.pk}")
        for holding in reversed(holdings()):
            for moved in reversed(merge.moved.get(holding.name, [])):
                holding.put_back(moving, moved)
        low, high = sorted([survivor, merged], key=lambda customer: customer.pk)
        end_links([survivor.pk, merged.pk])  # one given out in between may be in the hands of either
        KeptApart.objects.get_or_create(one=low, other=high, defaults={"since": now, "by": by})
        refresh_insight(customers=[survivor.pk, merged.pk], now=now)
        refresh_memberships(customers=[survivor.pk, merged.pk], now=now)
        for customer, other in ((survivor, merged), (merged, survivor)):
            _tell(customer, EventType.SPLIT, merge, other, now, by)
        return merged


def take_in(survivor: Customer, merged: Customer, *, by: str, reason: str, now: datetime.datetime) -> Merge:
    """``merged`` becomes part of ``survivor``; both are locked by the caller, and may become one.

    Links given out for either customer end, as their holders would see what was the other's. They stay valid where the other was
    no more than a visitor with nothing to see.
    """
    others = {survivor.pk: merged, merged.pk: survivor}
    end_links([pk for pk, other in others.items() if not _is_bare(other)])
    record = Merge.objects.create(
        survivor=survivor,
        merged=merged,
        merged_at=now,
        by=by,
        reason=reason.strip()[:300],
        before={
            "survivor": _look(survivor),
            "merged": _look(merged),
            "forwards": list(Customer.objects.filter(forwarded_to=merged).values_list("pk", flat=True)),
        },
    )
    moving = Moving(merged, survivor, now, by, f"merge:{record.pk}")
    record.moved = {holding.name: [holding.move(moving)] for holding in holdings()}
    record.save(update_fields=["moved"])
    survivor.traits, survivor.traits_at = latest_traits(survivor, merged)
    survivor.claims = merged.claims | survivor.claims
    survivor.display_name = survivor.display_name or merged.display_name
    survivor.language = survivor.language or merged.language
    survivor.time_zone = survivor.time_zone or merged.time_zone
    survivor.first_seen_at = min(survivor.first_seen_at, merged.first_seen_at)
    survivor.merges = survivor.merges + merged.merges + 1
    survivor.save(
        update_fields=["traits", "traits_at", "claims", "display_name", "language", "time_zone", "first_seen_at", "merges"]
    )
    Customer.objects.filter(forwarded_to=merged).update(forwarded_to=survivor)
    Customer.objects.filter(pk=merged.pk).update(forwarded_to=survivor, facts={})
    refresh_insight(customers=[survivor.pk], now=now)
    refresh_memberships(customers=[survivor.pk], now=now)
    _tell(survivor, EventType.MERGED, record, merged, now, by)
    announce(
        type="customer.merged",
        data={"customer": merged.public_id, "into": survivor.public_id},
        key=f"merge:{record.public_id}",
        now=now,
    )
    return record


def follow_up_merges(*, now: datetime.datetime, within: datetime.timedelta = datetime.timedelta(hours=1)) -> int:
    """Move what came to a merged customer while it was being merged, by somebody who had looked it up before; how many did."""
    late = 0
    for pk in Merge.objects.filter(split_at=None, merged_at__gt=now - within).values_list("pk", flat=True):
        with transaction.atomic():
            record = Merge.objects.select_for_update(of=("self",)).filter(pk=pk, split_at=None).first()
            if record is None:
                continue
            target = Customer.objects.get(pk=record.survivor_id)
            if target.forwarded_to_id is not None:
                continue  # that merge looks after it
            waiting = [holding for holding in holdings() if holding.count(record.merged)]
            if not waiting:
                continue
            moving = Moving(record.merged, target, now, record.by, f"merge:{record.pk}")
            for holding in waiting:
                record.moved.setdefault(holding.name, []).append(holding.move(moving))
            record.save(update_fields=["moved"])
            note_changed(customers=[target.pk], now=now)
            late += 1
    return late


def end_links(customers: Collection[int]) -> None:
    """Ends every wallet and preference link given out for these customers, by their ids, or for those merged into them."""
    if customers:
        found = Customer.objects.filter(Q(pk__in=customers) | Q(forwarded_to__in=customers))
        found.update(link_version=F("link_version") + 1)


def _is_bare(customer: Customer) -> bool:
    """As ``Profile.is_bare``, asked of the database."""
    return not Identity.objects.filter(customer=customer).exclude(kind=VISITOR).exists() and not holds_worth(customer.pk)


def locked_customers(pks: Sequence[int]) -> dict[int, Customer]:
    """The customers, in the order of their ids, until the end of the transaction nobody else's to change."""
    found = Customer.objects.select_for_update(of=("self",)).filter(pk__in=pks).order_by("pk")
    return {customer.pk: customer for customer in found}


def profile_of(customer: Customer) -> Profile:
    """The customer as ``rules.resolution`` looks at it."""
    named = Identity.objects.filter(customer=customer).values_list("kind", "value", "first_seen_at")
    return Profile(
        customer.pk, customer.first_seen_at, {(kind, value): seen for kind, value, seen in named}, merges=customer.merges
    )


def latest_traits(one: Customer, other: Customer) -> tuple[dict[str, Any], dict[str, str]]:
    """The traits of both, each as it was said last; ``one``'s where nobody knows when."""
    traits, said = dict(one.traits), dict(one.traits_at)
    for name in other.traits.keys() | other.traits_at.keys():
        at = other.traits_at.get(name, "")
        if at > said.get(name, "") or name not in traits.keys() | said.keys():
            if name in other.traits:
                traits[name] = other.traits[name]
            else:
                traits.pop(name, None)  # removed, later than it was said
            if at:
                said[name] = at
    return traits, said


def _in_order(customers: list[Customer]) -> tuple[Customer, Customer]:
    if len({customer.pk for customer in customers}) != 2:
        raise CannotMerge(_("It takes two different customers."))
    if any(customer.forwarded_to_id is not None for customer in customers):
        raise CannotMerge(_("One of them has become part of another customer."))
    survivor, merged = sorted(customers, key=lambda customer: (customer.first_seen_at, customer.pk))
    return survivor, merged


_LOOK = ("display_name", "traits", "traits_at", "claims", "facts", "language", "time_zone", "merges")


def _look(customer: Customer) -> dict[str, Any]:
    return {name: getattr(customer, name) for name in _LOOK} | {"first_seen_at": customer.first_seen_at.isoformat()}


def _restore(survivor: Customer, merged: Customer, merge: Merge) -> None:
    """Both as they were, and on the survivor what was said since."""
    since = merge.merged_at.isoformat()
    later = {name: at for name, at in survivor.traits_at.items() if at > since and name in survivor.traits}
    said = {name: survivor.traits[name] for name in later}
    for customer, look in ((survivor, merge.before["survivor"]), (merged, merge.before["merged"])):
        for name in _LOOK:
            setattr(customer, name, look.get(name, {}) if name == "claims" else look[name])  # older merges knew no claims
        customer.first_seen_at = datetime.datetime.fromisoformat(look["first_seen_at"])
    survivor.traits |= said
    survivor.traits_at |= later
    for customer in (survivor, merged):
        customer.save(update_fields=[*_LOOK, "first_seen_at", "forwarded_to"])


def _tell(customer: Customer, type: EventType, record: Merge, other: Customer, now: datetime.datetime, by: str) -> None:
    track(
        customer=customer,
        type=type,
        source="customers",
        message_id=f"{type.value}:{record.public_id}:{customer.pk}",
        occurred_at=now,
        received_at=now,
        properties={"merge": str(record.public_id), "other": str(other.public_id), "by": by},
    )
