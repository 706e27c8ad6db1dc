"""Find or make the customers that many events are about, in their order (``docs/profiles.md``, Who is meant)."""

import datetime
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.db import connection

from incentives_site.shared.copying import copy_rows, reserve_ids

from ..models import Customer, Identity, KeptApart
from ..queries import identity_rules
from ..rules.identities import IdentityRule
from ..rules.resolution import VISITOR, Dropped, Identifier, Profile, resolve
from ._holdings import holds_worth
from ._merge import end_links, take_in

LOCKS = 7_302_120  # names this kind of lock among PostgreSQL's advisory locks
BUCKETS = 1_024

_OWNERS = """
SELECT i.kind, i.value, i.customer_id FROM customers_identity i
JOIN unnest(%s::text[], %s::text[]) AS asked (kind, value) ON asked.kind = i.kind AND asked.value = i.value
"""
_FIRST_SEEN = """
UPDATE customers_customer c SET first_seen_at = s.at FROM unnest(%s::bigint[], %s::timestamptz[]) AS s (id, at) WHERE c.id = s.id
"""


@dataclass(frozen=True, slots=True)
class Signal:
    """What one event says about who it is: normalised identifiers (at least one), and when it happened (UTC).

    ``visitor`` is the one among them that is only claimed (``rules.trust``): it joins no two known customers.
    """

    identifiers: tuple[Identifier, ...]
    at: datetime.datetime
    source: str = ""
    visitor: Identifier | None = None


@dataclass(frozen=True, slots=True)
class Resolved:
    """Whom a signal is about, whether that customer is new, and which of its identifiers were not used, and why."""

    customer_id: int
    is_new: bool
    dropped: tuple[tuple[Identifier, Dropped], ...] = ()


@dataclass(slots=True)
class _State:
    """The customers concerned, as they become one signal after the other. New ones have negative keys until they are written."""

    profiles: dict[int, Profile]
    owners: dict[Identifier, Profile]
    rules: Mapping[str, IdentityRule]
    apart: frozenset[frozenset[int]]
    became: dict[int, int] = field(default_factory=dict)
    merges: list[tuple[int, int]] = field(default_factory=list)
    named: list[tuple[Identifier, int, datetime.datetime, str]] = field(default_factory=list)
    first_seen: set[int] = field(default_factory=set)
    became_known: set[int] = field(default_factory=set)
    asked: set[int] = field(default_factory=set)
    made: int = 0

    def now_part_of(self, key: int) -> int:
        while key in self.became:
            key = self.became[key]
        return key


def resolve_all(signals: Sequence[Signal], *, by: str, now: datetime.datetime) -> list[Resolved]:
    """One answer for each signal, as if they had come one by one; all that has to be written is written.

    Runs in the caller's transaction, which holds the locks until it ends, so that nobody decides about the same identifiers or
    customers meanwhile. PostgreSQL may end it as the victim of a deadlock: it is then repeated as a whole by the caller.
    """
    if not signals:
        return []
    wanted = sorted({identifier for signal in signals for identifier in signal.identifiers})
    hold(wanted)
    state = _read(wanted)
    keys: list[int] = []
    dropped: list[tuple[tuple[Identifier, Dropped], ...]] = []
    settled: dict[tuple[tuple[Identifier, ...], Identifier | None], int] = {}
    for signal in signals:
        known = settled.get((signal.identifiers, signal.visitor))
        if known is not None:
            profile = state.profiles[state.now_part_of(known)]
            _seen(state, profile, signal.at)
            keys.append(profile.key)
            dropped.append(())
            continue
        key, unused = _decide(state, signal)
        if not unused:
            settled[signal.identifiers, signal.visitor] = key
        keys.append(key)
        dropped.append(unused)
    ids = _write(state, by, now)
    answers = []
    for key, unused in zip(keys, dropped, strict=True):
        last = state.now_part_of(key)
        answers.append(Resolved(ids.get(last, last), last < 0, unused))
    return answers


def hold(identifiers: Iterable[Identifier]) -> None:
    """Nobody else decides whom these name until the transaction ends. Whether somebody was erased is asked after this.

    In one order for all, so that nobody waits in a circle; hashed, so that there are never too many locks.
    """
    buckets = {
        int.from_bytes(hashlib.blake2b(f"{kind}:{value}".encode(), digest_size=4).digest()) % BUCKETS
        for kind, value in identifiers
    }
    with connection.cursor() as cursor:
        # The order of an aggregate's input is kept; that of a plain list of results is the planner's choice.
        cursor.execute(
            "SELECT count(pg_advisory_xact_lock(%s, bucket)) FROM (SELECT unnest(%s::int[]) AS bucket) AS b",
            [LOCKS, sorted(buckets)],
        )


def _read(wanted: Sequence[Identifier]) -> _State:
    """The owners of the identifiers with all that is theirs, locked. Somebody may have merged them meanwhile: then again."""
    kinds, values = [kind for kind, _value in wanted], [value for _kind, value in wanted]
    locked: dict[int, Profile] = {}
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_OWNERS, [kinds, values])
            owners = {(kind, value): customer_id for kind, value, customer_id in cursor.fetchall()}
        missing = set(owners.values()) - locked.keys()
        if not missing:
            break
        locked |= _locked(sorted(missing))
    for pk, kind, value, seen in Identity.objects.filter(customer__in=locked).values_list(
        "customer_id", "kind", "value", "first_seen_at"
    ):
        locked[pk].identifiers[kind, value] = seen
    pairs = KeptApart.objects.filter(one__in=locked, other__in=locked).values_list("one_id", "other_id")
    return _State(
        profiles=locked,
        owners={identifier: locked[pk] for identifier, pk in owners.items()},
        rules=identity_rules(),
        apart=frozenset(frozenset(pair) for pair in pairs) if locked else frozenset(),
    )


def _locked(pks: Sequence[int]) -> dict[int, Profile]:
    """As ``locked_customers`` locks them, without reading all that is known of them."""
    found = Customer.objects.select_for_update(of=("self",)).filter(pk__in=pks).order_by("pk")
    return {pk: Profile(pk, seen, {}, merges) for pk, seen, merges in found.values_list("pk", "first_seen_at", "merges")}


def _decide(state: _State, signal: Signal) -> tuple[int, tuple[tuple[Identifier, Dropped], ...]]:
    if signal.visitor is not None:
        _ask_worth(state, signal.visitor, signal.identifiers)
    outcome = resolve(
        signal.identifiers, state.owners, at=signal.at, rules=state.rules, apart=state.apart, visitor=signal.visitor
    )
    if not outcome.profiles:
        state.made += 1
        profile = Profile(-state.made, signal.at)
        state.profiles[profile.key] = profile
    else:
        # Somebody who is written already survives one who is not.
        keys = sorted(outcome.profiles, key=lambda key: key < 0)
        profile = state.profiles[keys[0]]
        for key in keys[1:]:
            _join(state, profile, state.profiles[key])
    was_visitor = profile.key > 0 and profile.identifiers and all(kind == VISITOR for kind, _value in profile.identifiers)
    if was_visitor and any(kind != VISITOR for kind, _value in outcome.attach):
        state.became_known.add(profile.key)
    for identifier in outcome.attach:
        profile.identifiers[identifier] = signal.at
        state.owners[identifier] = profile
        state.named.append((identifier, profile.key, signal.at, signal.source))
    _seen(state, profile, signal.at)
    return profile.key, outcome.dropped


def _ask_worth(state: _State, visitor: Identifier, identifiers: Sequence[Identifier]) -> None:
    """Whether the owner of a claimed identifier holds anything: asked only where it could be joined to somebody else."""
    owner = state.owners.get(visitor)
    if owner is None or owner.key < 0 or owner.key in state.asked or not owner.is_bare or len(identifiers) < 2:
        return
    state.asked.add(owner.key)
    owner.holds = holds_worth(owner.key)


def _join(state: _State, survivor: Profile, other: Profile) -> None:
    state.became[other.key] = survivor.key
    survivor.identifiers |= other.identifiers
    for identifier in other.identifiers:
        state.owners[identifier] = survivor
    survivor.merges += other.merges
    survivor.holds |= other.holds
    if other.key > 0:
        state.merges.append((survivor.key, other.key))
        survivor.merges += 1
        state.apart = frozenset(frozenset(survivor.key if key == other.key else key for key in pair) for pair in state.apart)
    _seen(state, survivor, other.first_seen_at)


def _seen(state: _State, profile: Profile, at: datetime.datetime) -> None:
    if at < profile.first_seen_at:
        profile.first_seen_at = at
        if profile.key > 0:
            state.first_seen.add(profile.key)


def _write(state: _State, by: str, now: datetime.datetime) -> dict[int, int]:
    """What has become of the customers, in the database; returns the ids of new ones by their keys."""
    made = [key for key in state.profiles if key < 0 and key not in state.became]
    ids = dict(zip(made, reserve_ids(Customer, len(made)), strict=True)) if made else {}
    Customer.objects.bulk_create(Customer(pk=ids[key], first_seen_at=state.profiles[key].first_seen_at) for key in made)
    # A key that became part of another since, whose row exists: its identifiers are the survivor's, and written as such.
    if state.named:
        copy_rows(
            Identity,
            ["customer", "kind", "value", "created_at", "first_seen_at", "source"],
            (
                (ids.get(state.now_part_of(key), state.now_part_of(key)), kind, value, now, at, source[:64])
                for (kind, value), key, at, source in state.named
            ),
        )
    for survivor, merged in state.merges:
        # Read anew: the one before may have changed it.
        customers = {customer.pk: customer for customer in Customer.objects.filter(pk__in=[survivor, merged])}
        take_in(customers[survivor], customers[merged], by=by, reason="", now=now)
    end_links(state.became_known - state.became.keys())
    if earlier := sorted(state.first_seen - state.became.keys()):
        with connection.cursor() as cursor:
            cursor.execute(_FIRST_SEEN, [earlier, [state.profiles[key].first_seen_at for key in earlier]])
    return ids
