"""Whom the lines of a list name, many at a time."""

import contextlib
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ..models import Customer, Identity
from ..rules.faults import Misunderstood
from ..rules.resolution import Identifier
from ._identities import identity_rules, normalised

MOST_LINES = 100_000
MOST_REPORTED = 1_000
AT_ONCE = 5_000
BARE = ("loyalty_card", "phone", "user_id")


Piece = tuple[int, str, list[Identifier], uuid.UUID | None]


@dataclass(slots=True)
class Named:
    """``ids`` of the customers, how many ``lines`` there were, and those (number, text) that name nobody, as far as reported."""

    ids: set[int] = field(default_factory=set)
    lines: int = 0
    unknown: list[tuple[int, str]] = field(default_factory=list)
    unknown_count: int = 0
    is_cut: bool = False


def customers_on(lines: Iterable[str]) -> Named:
    """Look up ``kind,value``, public ids, and values alone; a first line that says ``kind,value`` or ``id`` is a heading."""
    found = Named()
    rules = identity_rules()
    piece: list[Piece] = []
    for number, line in enumerate(lines, start=1):
        text = line.replace("\x00", "").strip().strip('"')
        if not text or (number == 1 and text.lower().replace(" ", "") in {"kind,value", "id", "value", "customer"}):
            continue
        if found.lines == MOST_LINES:
            found.is_cut = True
            break
        found.lines += 1
        piece.append((number, text, *_meant(text, rules)))
        if len(piece) == AT_ONCE:
            _look_up(piece, found)
            piece = []
    _look_up(piece, found)
    return found


@dataclass(frozen=True, slots=True)
class Reference:
    """A customer as a partner names it: by public ``id``, or by an identity."""

    id: str = ""
    kind: object = ""
    value: object = ""


def customers_named(references: Sequence[Reference]) -> Named:
    """Look up many at once; ``unknown`` are the places (from 0) of those who are nobody known."""
    found = Named(lines=len(references))
    rules = identity_rules()
    pieces: list[Piece] = []
    for place, one in enumerate(references):
        meant: list[Identifier] = []
        public_id = None
        with contextlib.suppress(ValueError):
            if one.id:
                public_id = uuid.UUID(one.id)
            else:
                meant = [normalised(one.kind, one.value, rules)]
        pieces.append((place, "", meant, public_id))
    for start in range(0, len(pieces), AT_ONCE):
        _look_up(pieces[start : start + AT_ONCE], found)
    return found


def _meant(text: str, rules: object) -> tuple[list[Identifier], uuid.UUID | None]:
    kind, comma, value = text.partition(",")
    if comma:
        said = [(kind.strip().strip('"'), value.strip().strip('"'))]
    else:
        try:
            return [], uuid.UUID(text)
        except ValueError:
            said = [("email", text)] if "@" in text else [(kind, text) for kind in BARE]
    meant = []
    for one in said:
        try:
            meant.append(normalised(*one, rules))  # type: ignore[arg-type]
        except Misunderstood:
            continue
    return meant, None


def _look_up(piece: list[Piece], found: Named) -> None:
    wanted = {identifier for _n, _t, meant, _id in piece for identifier in meant}
    by_kind: dict[str, set[str]] = {}
    for kind, value in wanted:
        by_kind.setdefault(kind, set()).add(value)
    owners: dict[tuple[str, str], int] = {}
    for kind, values in by_kind.items():
        rows = Identity.objects.filter(kind=kind, value__in=values).values_list("value", "customer_id")
        owners |= {(kind, value): pk for value, pk in rows}
    public = {public_id for *_rest, public_id in piece if public_id is not None}
    people = {
        public_id: forwarded or pk
        for public_id, forwarded, pk in Customer.objects.filter(public_id__in=public).values_list(
            "public_id", "forwarded_to_id", "pk"
        )
    }
    for number, text, meant, public_id in piece:
        pk = people.get(public_id) if public_id else next((owners[tuple(one)] for one in meant if tuple(one) in owners), None)  # type: ignore[index]
        if pk is not None:
            found.ids.add(pk)
            continue
        found.unknown_count += 1
        if len(found.unknown) < MOST_REPORTED:
            found.unknown.append((number, text[:100]))
