"""The incentives that ask to be applied to a basket: what is live and could match, the customer's wallet, what codes open."""

import datetime
import json
from collections import ChainMap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection

from customers import queries as customer_queries
from customers.models import Customer
from customers.rules.conditions import ALWAYS

from .. import sealing
from ..models import Claim, Grant, GrantState, Incentive, Limit, Per
from ..rules import codes as code_rules
from ..rules.basket import Basket
from ..rules.candidates import Candidate, LimitState, OnShort, Reason, UnknownCode
from ..rules.groups import Group
from . import catalogue
from .catalogue import Entry


@dataclass(frozen=True, slots=True)
class Source:
    """The rows behind a candidate, found again by ``Candidate.key``."""

    incentive: Incentive
    grant: Grant | None


@dataclass(frozen=True, slots=True)
class CandidateSet:
    """Everything the stacking rule needs from the database. ``holder`` is whose grant was proved by a code, if anybody's."""

    candidates: tuple[Candidate, ...]
    unknown_codes: tuple[UnknownCode, ...]
    groups: dict[str, Group]
    sources: dict[str, Source]
    holder: Customer | None


@dataclass(frozen=True, slots=True)
class _Asking:
    """One incentive that asks, through which grant or code."""

    entry: Entry
    grant: Grant | None
    code: str


_GRANT = """jsonb_build_object('id', g.id, 'public_id', g.public_id, 'customer_id', g.customer_id, 'state', g.state,
                               'starts', g.starts_at, 'ends', g.ends_at)"""
# The version of the catalogue, what the codes open and what the customer holds: one question, one snapshot, one answer.
_ASK = f"""
SELECT (SELECT number FROM campaigns_catalogueversion),
    (SELECT jsonb_agg(jsonb_build_object('digest', encode(c.digest, 'hex'), 'incentive', c.incentive_id,
                                         'grant', CASE WHEN g.id IS NOT NULL THEN {_GRANT} END) ORDER BY c.id)
     FROM campaigns_code c LEFT JOIN campaigns_grant g ON g.id = c.grant_id WHERE c.digest = ANY(%(digests)s)),
    (SELECT jsonb_agg(jsonb_build_object('incentive', g.incentive_id, 'grant', {_GRANT})
                      ORDER BY g.ends_at NULLS LAST, g.id)
     FROM campaigns_grant g JOIN campaigns_incentive i ON i.id = g.incentive_id JOIN campaigns_campaign m ON m.id = i.campaign_id
     WHERE g.customer_id = %(customer)s AND g.state = 'held' AND m.status = 'live'),
    (SELECT jsonb_object_agg(limit_id || '/' || subject, used) FROM campaigns_limitcounter
     WHERE limit_id = ANY(%(limits)s) AND subject = ANY(%(subjects)s))
"""  # noqa: S608  (put together from fixed pieces; every value is a parameter)


def candidates(
    *, basket: Basket, channel: str, customer: Customer | None, sent: Sequence[str], now: datetime.datetime
) -> CandidateSet:
    """What asks to be applied to ``basket`` in ``channel``: automatic ones that could match, the wallet, what the codes open.

    An incentive asks once: through the code that was sent, else through the grant that ends first. Without a customer, the
    holder of a grant whose code was sent is the customer. One query when nothing has changed and neither codes nor grants bring
    limits of their own; a few more otherwise, however many incentives are live.
    """
    digests = {sealing.digest(code): code.strip() for code in sent if code_rules.normalise(code)}
    known = customer_queries.known_of(customer)
    # What will probably be asked about: the answer says whether the catalogue is still the one it was taken from.
    guess = catalogue.kept()
    guessed = guess.matching(basket, channel, known) if guess else []
    counted = _limit_ids(guessed)
    version, opened, held, counters = _ask(digests, customer, counted)
    live = catalogue.current(version)
    automatic = guessed if live is guess else live.matching(basket, channel, known)

    holders = {row["grant"]["customer_id"] for row in opened if row["grant"]}
    holder = Customer.objects.filter(pk__in=holders).first() if customer is None and len(holders) == 1 else None
    subject = customer or holder
    if holder is not None:
        # Whose code it is, is the customer: ask again for what this one holds, and may still use.
        _version, _opened, held, counters = _ask({}, holder, counted)
        automatic = live.matching(basket, channel, customer_queries.known_of(holder))

    asking = _asking(live, opened, held, automatic, digests)
    missing = _limit_ids([item.entry for item in asking.values()]) - counted
    if missing or live is not guess:
        counters = {**counters, **_counters(missing | (_limit_ids(automatic) - counted), subject)}
    found = {bytes.fromhex(row["digest"]) for row in opened}
    unknown = [UnknownCode(text) for digest, text in digests.items() if digest not in found]
    unknown += [UnknownCode(code.strip()[:64]) for code in sent if not code_rules.normalise(code)]
    return CandidateSet(
        candidates=tuple(_candidate(item, subject, counters, position) for position, item in enumerate(asking.values())),
        unknown_codes=tuple(unknown),
        groups={row.key: catalogue.group_of(row) for row in {item.entry.incentive.stack_group for item in asking.values()}},
        sources={item.entry.candidate.key: Source(item.entry.incentive, item.grant) for item in asking.values()},
        holder=holder,
    )


def _ask(
    digests: Mapping[bytes, str], customer: Customer | None, limits: set[int]
) -> tuple[int | None, list[Any], list[Any], dict[str, int]]:
    who = str(customer.public_id) if customer else ""
    parameters = {
        "digests": list(digests),
        "customer": customer.pk if customer else None,
        "limits": list(limits),
        "subjects": ["", who] if who else [""],
    }
    with connection.cursor() as cursor:
        cursor.execute(_ASK, parameters)
        version, opened, held, counters = cursor.fetchone()
    return version, _read(opened) or [], _read(held) or [], _read(counters) or {}


def _read(value: Any) -> Any:
    """Django hands JSON of raw statements over as text."""
    return json.loads(value) if isinstance(value, str) else value


def _asking(
    live: catalogue.Catalogue, opened: list[Any], held: list[Any], automatic: list[Entry], digests: Mapping[bytes, str]
) -> dict[int, _Asking]:
    wanted = {row["incentive"] for row in (*opened, *held)} - live.entries.keys()
    # Codes of what is paused, over or not yet begun: known, and refused with the reason.
    others = list(Incentive.objects.filter(pk__in=wanted).select_related("campaign", "stack_group")) if wanted else []
    entries = ChainMap({entry.incentive.pk: entry for entry in catalogue.compiled(others)}, live.entries)  # type: ignore[arg-type]
    asking: dict[int, _Asking] = {}
    for row in opened:
        entry = entries[row["incentive"]]
        grant = _grant(row["grant"], row["incentive"]) if row["grant"] else None
        asking[row["incentive"]] = _Asking(entry, grant, digests[bytes.fromhex(row["digest"])])
    for row in held:
        asking.setdefault(row["incentive"], _Asking(entries[row["incentive"]], _grant(row["grant"], row["incentive"]), ""))
    for entry in automatic:
        asking.setdefault(entry.incentive.pk, _Asking(entry, None, ""))
    return asking


def _grant(row: Mapping[str, Any], incentive_id: int) -> Grant:
    instant = datetime.datetime.fromisoformat
    return Grant(
        id=row["id"],
        public_id=row["public_id"],
        customer_id=row["customer_id"],
        incentive_id=incentive_id,
        state=row["state"],
        starts_at=instant(row["starts"]),
        ends_at=instant(row["ends"]) if row["ends"] else None,
    )


def _limit_ids(entries: Sequence[Entry]) -> set[int]:
    return {limit.pk for entry in entries for limit in entry.limits}


def _counters(limits: set[int], subject: Customer | None) -> dict[str, int]:
    return _ask({}, subject, limits)[3] if limits else {}


def _candidate(item: _Asking, subject: Customer | None, counters: Mapping[str, int], position: int) -> Candidate:
    entry, grant = item.entry, item.grant
    candidate = entry.candidate
    if not (entry.limits or grant or item.code or entry.incentive.claim == Claim.GRANT):
        return candidate
    who = str(subject.public_id) if subject else ""
    limits = tuple(_limit_state(limit, who, counters) for limit in entry.limits)
    standing = replace(candidate.standing, limits=limits)
    if grant is not None:
        ends = [end for end in (grant.ends_at, standing.ends_at) if end is not None]
        starts = [start for start in (grant.starts_at, standing.starts_at) if start is not None]
        standing = replace(
            standing,
            starts_at=max(starts),
            ends_at=min(ends) if ends else None,
            refusal=_refusal_of(grant, subject),
            # Who was given a grant may use it, whatever has changed about them since.
            audience=ALWAYS,
        )
    elif entry.incentive.claim == Claim.GRANT:
        # A code without a grant on a wallet incentive (imported batches): known, but nobody's.
        standing = replace(standing, refusal=Reason.NOT_HOLDER)
    return replace(candidate, standing=standing, code=item.code, grant=str(grant.public_id) if grant else "", position=position)


def _refusal_of(grant: Grant, subject: Customer | None) -> Reason | None:
    if subject is None or subject.pk != grant.customer_id:
        return Reason.NOT_HOLDER
    return {
        GrantState.USED: Reason.CODE_USED,
        GrantState.RESERVED: Reason.CODE_USED,
        GrantState.EXPIRED: Reason.CODE_EXPIRED,
        GrantState.WITHDRAWN: Reason.NOT_LIVE,
    }.get(GrantState(grant.state))


def _limit_state(row: Limit, who: str, counters: Mapping[str, int]) -> LimitState:
    subject = who if row.per == Per.CUSTOMER else ""
    used = counters.get(f"{row.pk}/{subject}", 0)
    # Somebody unknown has no count of their own: a limit per customer cannot be kept for them, so nothing is left.
    if row.per == Per.CUSTOMER and not who:
        used = row.maximum
    return LimitState(row.pk, row.measure, row.per, row.maximum, used, OnShort(row.on_short))
