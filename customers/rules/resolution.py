"""Who is meant by the identifiers of an event (``docs/profiles.md``, Who is meant).

Deterministic: the same identifiers against the same profiles give the same outcome, in whatever order they are said.
"""

import datetime
import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from .identities import STANDARD, IdentityRule, rule_of

MOST_IDENTIFIERS = 1_000
MOST_MERGES = 100

Identifier = tuple[str, str]
VISITOR = "anonymous_id"  # the one kind that a visitor's browser makes up for itself


class Dropped(enum.StrEnum):
    """Why an identifier of an event was not used."""

    LIMIT = "limit"  # the customer has as many of the kind as it may
    MERGE_BREAKS_LIMIT = "merge-breaks-limit"  # it would join customers who cannot be one
    MERGE_BUDGET = "merge-budget"  # a customer is merged and named only so often
    SPLIT_BEFORE = "split-before"  # somebody took these customers apart
    OUTRANKED = "outranked"  # something that says more about who it is, contradicts it
    NOT_PROVEN = "not-proven"  # a visitor's own id that belongs to another customer, which a token does not prove


@dataclass(slots=True)
class Profile:
    """A customer as far as this rule looks: its identifiers with the instant they were first seen (UTC).

    ``key`` is anything that tells customers apart; ``holds`` says that it holds something of worth (a wallet, points, orders), as
    far as anybody has asked.
    """

    key: int
    first_seen_at: datetime.datetime
    identifiers: dict[Identifier, datetime.datetime] = field(default_factory=dict)
    merges: int = 0
    holds: bool = False

    @property
    def is_bare(self) -> bool:
        """Whether it is no more than a visitor: known by ids that browsers gave themselves, and holding nothing of worth."""
        return not self.holds and all(kind == VISITOR for kind, _value in self.identifiers)


@dataclass(frozen=True, slots=True)
class Outcome:
    """``profiles`` are whom the event is about: nobody (a new customer), one, or several who become one, the survivor first.

    ``attach`` are identifiers new to the result; ``dropped`` those that were not used, with the reason.
    """

    profiles: tuple[int, ...]
    attach: tuple[Identifier, ...]
    dropped: tuple[tuple[Identifier, Dropped], ...]


Apart = frozenset[frozenset[int]]


def resolve(
    identifiers: Iterable[Identifier],
    owners: Mapping[Identifier, Profile],
    *,
    at: datetime.datetime,
    rules: Mapping[str, IdentityRule] = STANDARD,
    apart: Apart = frozenset(),
    visitor: Identifier | None = None,
) -> Outcome:
    """Who is meant by normalised ``identifiers``, of which ``owners`` says whose they are; ``at`` is now.

    ``apart`` are pairs of keys that were split by hand and are not joined again. ``visitor`` is the one identifier that only a
    public key vouches for: beside proven ones it joins a bare visitor, and no other customer.
    """
    used, dropped = _consistent(sorted(set(identifiers), key=lambda item: (rule_of(item[0], rules).rank, item)), rules)
    if visitor in used and _is_of_another(visitor, used, owners):
        used.remove(visitor)
        dropped.append((visitor, Dropped.NOT_PROVEN))
    while True:
        known = [item for item in used if item in owners]
        profiles = _by_age({owners[item].key: owners[item] for item in known}.values())
        if len(profiles) > 1 and (reason := why_not_one(profiles, at=at, rules=rules, apart=apart)):
            used.remove(known[-1])
            dropped.append((known[-1], reason))
            continue
        attach, too_many, misled = _attach(used, known, profiles, at, rules)
        if misled:
            used.remove(known[-1])
            dropped.append((known[-1], Dropped.OUTRANKED))
            continue
        dropped += [(item, Dropped.LIMIT) for item in too_many]
        return Outcome(tuple(profile.key for profile in profiles), tuple(attach), tuple(dropped))


def _is_of_another(visitor: Identifier, used: Sequence[Identifier], owners: Mapping[Identifier, Profile]) -> bool:
    owner, proven = owners.get(visitor), [item for item in used if item != visitor]
    if owner is None or not proven or owner.is_bare:
        return False
    return owner.key not in {owners[item].key for item in proven if item in owners}


def _consistent(
    identifiers: Sequence[Identifier], rules: Mapping[str, IdentityRule]
) -> tuple[list[Identifier], list[tuple[Identifier, Dropped]]]:
    """What an event may say of one customer, and what is too many of a kind by itself."""
    counts: dict[str, int] = {}
    used: list[Identifier] = []
    dropped: list[tuple[Identifier, Dropped]] = []
    for item in identifiers:
        counts[item[0]] = counts.get(item[0], 0) + 1
        if counts[item[0]] <= rule_of(item[0], rules).limit:
            used.append(item)
        else:
            dropped.append((item, Dropped.LIMIT))
    return used, dropped


def _attach(
    used: Sequence[Identifier],
    known: Sequence[Identifier],
    profiles: Sequence[Profile],
    at: datetime.datetime,
    rules: Mapping[str, IdentityRule],
) -> tuple[list[Identifier], list[Identifier], bool]:
    """What is new and fits, what is new and does not, and whether what does not fit outranks all that is known."""
    counts = _counts(profiles, at, rules)
    total = sum(len(profile.identifiers) for profile in profiles)
    best = rule_of(known[0][0], rules).rank if known else None
    attach: list[Identifier] = []
    too_many: list[Identifier] = []
    for item in used:
        if item in known:
            continue
        rule = rule_of(item[0], rules)
        if counts.get(item[0], 0) < rule.limit and total < MOST_IDENTIFIERS:
            counts[item[0]] = counts.get(item[0], 0) + 1
            total += 1
            attach.append(item)
        elif best is not None and rule.rank < best:
            return [], [], True
        else:
            too_many.append(item)
    return attach, too_many, False


def why_not_one(
    profiles: Sequence[Profile],
    *,
    at: datetime.datetime,
    rules: Mapping[str, IdentityRule] = STANDARD,
    apart: Apart = frozenset(),
) -> Dropped | None:
    """Why these customers cannot become one by an event; ``None`` when they can."""
    keys = [profile.key for profile in profiles]
    if apart and any(frozenset({a, b}) in apart for i, a in enumerate(keys) for b in keys[:i]):
        return Dropped.SPLIT_BEFORE
    merges = sum(profile.merges for profile in profiles) + len(profiles) - 1
    if merges > MOST_MERGES or sum(len(profile.identifiers) for profile in profiles) > MOST_IDENTIFIERS:
        return Dropped.MERGE_BUDGET
    if broken_limits(profiles, at=at, rules=rules):
        return Dropped.MERGE_BREAKS_LIMIT
    return None


def broken_limits(
    profiles: Sequence[Profile], *, at: datetime.datetime, rules: Mapping[str, IdentityRule] = STANDARD
) -> list[str]:
    """The kinds of which the customers together have more than one customer may, in the order of rank."""
    broken = [kind for kind, count in _counts(profiles, at, rules).items() if count > rule_of(kind, rules).limit]
    return sorted(broken, key=lambda kind: (rule_of(kind, rules).rank, kind))


def _counts(profiles: Iterable[Profile], at: datetime.datetime, rules: Mapping[str, IdentityRule]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for profile in profiles:
        for (kind, _value), first_seen_at in profile.identifiers.items():
            days = rule_of(kind, rules).window_days
            if days is None or first_seen_at > at - datetime.timedelta(days=days):
                counts[kind] = counts.get(kind, 0) + 1
    return counts


def _by_age(profiles: Iterable[Profile]) -> list[Profile]:
    """The oldest first: it survives."""
    return sorted(profiles, key=lambda profile: (profile.first_seen_at, profile.key))
