"""Define stack groups and change them: a rule that all their incentives follow."""

from typing import TypedDict, Unpack

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from customers.rules.faults import Fault, Misunderstood
from incentives_site.shared.audit import acting

from .. import queries
from ..models import Incentive, StackGroup, Status
from ..rules.language import Reader, promise_of
from . import _unpredictable as unpredictable
from ._problems import invalid

LARGEST_RANK = 1_000_000


class GroupTerms(TypedDict, total=False):
    """What is said of a stack group (``docs/stacking.md``): ``limit`` ``None`` for none, ``base`` ``""`` for the policy's."""

    name: str
    eligibility: str
    rank: int
    limit: int | None
    pick: str
    scope: str
    base: str
    consume_without_effect: bool


def define_group(*, by: str, key: str, **terms: Unpack[GroupTerms]) -> StackGroup:
    """A new stack group. Raises ``Invalid`` with pointers."""
    row = StackGroup(key=key, **terms)
    with transaction.atomic(), acting(by=by, why="define_group"):
        if StackGroup.objects.filter(key=key).exists():
            raise invalid([Fault("/key", "repeated", _("There is already a group of this key."))])
        check_group(row)
        row.save()
    return row


def revise_group(*, group: StackGroup, by: str, **changes: Unpack[GroupTerms]) -> StackGroup:
    """Change how the incentives of a group go together; what is not named stays. Raises ``Invalid`` with pointers."""
    with transaction.atomic(), acting(by=by, why="revise_group"):
        row = StackGroup.objects.select_for_update().get(pk=group.pk)
        for name, value in changes.items():
            setattr(row, name, value)
        check_group(row)
        row.save()
    return row


def check_group(row: StackGroup) -> None:
    """What may be saved of a group, beside the incentives that are in it. Raises ``Invalid`` with pointers."""
    reader = Reader()
    reader.text(row.key, "/key", longest=64)
    reader.text(row.name, "/name")
    reader.integer(row.rank, "/rank", low=-LARGEST_RANK, high=LARGEST_RANK)
    unpredictable.check_group(row, reader)
    if not reader.faults and row.pk:
        _check_members(row, reader)
    if reader.faults:
        raise invalid(reader.faults)


# Which field of the group is to blame when an incentive in it cannot be.
_POINTERS = {"never-has-effect": "/consume_without_effect", "no-discount": "/pick", "not-by-line": "/scope"}


def _check_members(row: StackGroup, reader: Reader) -> None:
    before = StackGroup.objects.filter(pk=row.pk).first()
    group = queries.group_of(row)
    if before is not None and _decisive(before) == _decisive(row):
        return
    found: dict[str, list[str]] = {}
    members = (
        Incentive.objects.filter(stack_group=row)
        .exclude(campaign__status=Status.ENDED)
        .exclude(effect__contains={"type": "recorded"})
    )
    for name, effect, awards in members.values_list("name", "effect", "awards").iterator():
        inner = Reader()
        try:
            unpredictable.check_in_group(promise_of(effect, awards)[0], group, inner, "")
        except Misunderstood:
            continue
        for fault in inner.faults:
            found.setdefault(fault.code, []).append(name)
    for code, names in found.items():
        sentence = ngettext(
            "“%(name)s” in this group cannot go with that: move it to another group first.",
            "“%(name)s” and others in this group cannot go with that: move them to another group first.",
            len(names),
        )
        reader.fault(_POINTERS[code], code, sentence % {"name": names[0]})


def _decisive(row: StackGroup) -> tuple[object, ...]:
    return row.pick, row.scope, row.consume_without_effect
