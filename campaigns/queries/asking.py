"""The incentives that ask to be applied to a basket: what is live and could match, the customer's wallet, what codes open."""

import datetime
import functools
from collections import ChainMap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson

from customers import queries as customer_queries
from customers.models import Channel, Customer, Store
from customers.rules.conditions import ALWAYS
from customers.rules.consent import Wishes, from_data
from incentives_site.integrations.queries import ANYBODY_TOLD
from incentives_site.shared.prepared import NO_ENTRIES, array_text, prepared_cursor
from incentives_site.shared.rows import columns, row_as

from .. import sealing
from ..models import Claim, Grant, GrantState, Incentive, Limit
from ..rules import codes as code_rules
from ..rules import limits as limit_rules
from ..rules.basket import Basket
from ..rules.candidates import Candidate, LimitState, OnShort, Reason, UnknownCode
from ..rules.groups import Group
from ..rules.kinds import is_unwanted
from . import catalogue
from .catalogue import Entry

# What everybody uses: one count, or one for each slot.
SHARED = ("", *(limit_rules.slot(number) for number in range(limit_rules.HOT_SLOTS)))
_SHARED = f"""ARRAY[{", ".join(f"'{name}'" for name in SHARED)}]"""


@dataclass(frozen=True, slots=True)
class Source:
    """The rows behind a candidate, found again by ``Candidate.key``. ``code_id`` is of a code whose uses are counted."""

    incentive: Incentive
    grant: Grant | None
    code_id: int | None = None


@dataclass(frozen=True, slots=True)
class Holding:
    """What a reservation holds, free for whoever shows it: grants and codes by id, uses by ``limit/subject``, value
    by account.
    """

    grants: frozenset[int] = frozenset()
    codes: frozenset[int] = frozenset()
    uses: Mapping[str, int] = field(default_factory=dict)
    value: Mapping[int, int] = field(default_factory=dict)


NOTHING_HELD = Holding()


@dataclass(frozen=True, slots=True)
class CandidateSet:
    """Everything the stacking rule needs from the database.

    ``channel`` is ``None`` when none that is active has the key. ``customer`` is the one that was named, else ``holder``: whose
    grant was proved by a code, if anybody's. ``is_told``: whether any partner is told of the event that was asked about.
    """

    channel: Channel | None
    store: Store | None
    customer: Customer | None
    candidates: tuple[Candidate, ...]
    unknown_codes: tuple[UnknownCode, ...]
    groups: dict[str, Group]
    sources: dict[str, Source]
    holder: Customer | None
    is_told: bool


@dataclass(frozen=True, slots=True)
class _Asking:
    """One incentive that asks, through which grant or code; ``is_imagined``: as if the customer held a grant of it.

    ``code_id`` is of a code of a batch, ``refusal`` what is the matter with it.
    """

    entry: Entry
    grant: Grant | None
    code: str
    is_imagined: bool = False
    code_id: int | None = None
    refusal: Reason | None = None


class _Subjects(dict[str, str | None]):
    """By whose limit it is: whose count a use goes to (``rules.limits.subject_of``). Most limits ask for one or two of them."""

    def __init__(self, customer: str, store: str, today: datetime.date) -> None:
        self.customer, self.store, self.today = customer, store, today

    def __missing__(self, per: str) -> str | None:
        found = self[per] = limit_rules.subject_of(per, customer=self.customer, store=self.store, today=self.today)
        return found

    def all(self) -> list[str | None]:
        return [self[per] for per in limit_rules.Per]


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the database says to one question, all of one snapshot. ``counters`` are uses by ``limit/subject``."""

    version: int | None
    store: Store | None
    customer: Customer | None
    opened: list[Any]
    held: list[Any]
    counters: dict[str, int]
    is_told: bool


_GRANT = """jsonb_build_object('id', g.id, 'public_id', g.public_id, 'customer_id', g.customer_id, 'state', g.state,
                               'starts', g.starts_at, 'ends', g.ends_at)"""
_VERSION = "(SELECT number FROM campaigns_catalogueversion)"
# Codes of a batch that is not done are nobody's yet.
_OPENED = f"""(SELECT jsonb_agg(jsonb_build_object('digest', encode(o.digest, 'hex'), 'incentive', o.incentive_id,
                                          'grant', CASE WHEN g.id IS NOT NULL THEN {_GRANT} END,
                                          'batch', CASE WHEN b.id IS NOT NULL THEN jsonb_build_object(
                                              'code', o.id, 'left', b.uses_per_code - o.used, 'ends', b.expires_at) END)
                       ORDER BY o.id)
     FROM campaigns_code o LEFT JOIN campaigns_grant g ON g.id = o.grant_id LEFT JOIN campaigns_codebatch b ON b.id = o.batch_id
     WHERE o.digest = ANY(%(digests)s::bytea[]) AND (b.id IS NULL OR b.state = 'done'))"""  # noqa: S608
# Of each incentive in the wallet the grant that speaks for it: of those that are running the one that ends first, else the first
# of all. However many there are of it, one step of the index ``held_grants_of_a_customer`` leads to the next incentive.
_MINE = "h.customer_id = c.id AND h.state = 'held'"
_RUNNING = "h.incentive_id = o.incentive AND h.starts_at <= %(now)s::timestamptz"
_SPEAKS = f"""coalesce(
        (SELECT h.id FROM campaigns_grant h WHERE {_MINE} AND {_RUNNING} AND h.ends_at > %(now)s::timestamptz
         ORDER BY h.ends_at, h.id LIMIT 1),
        (SELECT h.id FROM campaigns_grant h WHERE {_MINE} AND {_RUNNING} AND h.ends_at IS NULL ORDER BY h.id LIMIT 1),
        (SELECT h.id FROM campaigns_grant h WHERE {_MINE} AND h.incentive_id = o.incentive
         ORDER BY h.ends_at NULLS LAST, h.id LIMIT 1))"""  # noqa: S608
_HELD = f"""(WITH RECURSIVE owned (incentive) AS (
        SELECT (SELECT h.incentive_id FROM campaigns_grant h WHERE {_MINE} ORDER BY h.incentive_id LIMIT 1)
        UNION ALL
        SELECT (SELECT h.incentive_id FROM campaigns_grant h WHERE {_MINE} AND h.incentive_id > o.incentive
                ORDER BY h.incentive_id LIMIT 1)
        FROM owned o WHERE o.incentive IS NOT NULL)
     SELECT jsonb_agg(jsonb_build_object('incentive', g.incentive_id, 'grant', {_GRANT}) ORDER BY g.ends_at NULLS LAST, g.id)
     FROM campaigns_grant g
     WHERE g.id = ANY(ARRAY(SELECT {_SPEAKS} FROM owned o WHERE o.incentive IS NOT NULL))
        OR (g.customer_id = c.id AND g.id = ANY(%(holding)s::bigint[])))"""  # noqa: S608
# Of the limits that are named, and of those that guard what the codes open.
_COUNTERS = f"""(SELECT jsonb_object_agg(u.limit_id || '/' || u.subject, u.used) FROM campaigns_limitcounter u
     WHERE u.limit_id = ANY({{limits}}) AND u.subject = ANY({_SHARED} || %(subjects)s::text[] || {{subject}}))"""  # noqa: S608
_LIMITS = "%(limits)s::bigint[]"
_GUARDS = f"""({_LIMITS} || ARRAY(
     SELECT l.id FROM campaigns_code o JOIN campaigns_incentive i ON i.id = o.incentive_id
     JOIN campaigns_limit l ON l.incentive_id = i.id OR l.campaign_id = i.campaign_id
     WHERE o.digest = ANY(%(digests)s::bytea[])))"""  # noqa: S608
_CUSTOMER = columns(Customer, "c")


def candidates(
    *,
    basket: Basket,
    channel: str,
    customer: Customer | customer_queries.Named | None,
    sent: Sequence[str],
    now: datetime.datetime,
    store: str = "",
    imagined: Sequence[Incentive] = (),
    holding: Holding = NOTHING_HELD,
    event: str = "",
) -> CandidateSet:
    """What asks to be applied to ``basket`` in ``channel``: automatic ones that could match, the wallet, what the codes open.

    An incentive asks once: through the code that was sent, else through the grant that ends first. Without a customer, the
    holder of a grant whose code was sent is the customer. One query when nothing has changed, grants bring no
    limits of their own and codes none by day or store; a few more otherwise, however many incentives are live. Raises
    ``CustomerUnknown``, ``StoreUnknown``.

    ``imagined`` incentives, with their campaign and stack group, ask as if that campaign were live: automatic ones always, those
    with a code when it was sent, those of a wallet as if a known customer held one. What is ``holding`` is free here. ``event``
    is a type of which partners are told, for those who will do what has to be told.
    """
    digests = {sealing.digest(code): code.strip() for code in sent if code_rules.normalise(code)}
    # What will probably be asked about: the answer says whether the catalogue is still the one it was taken from.
    guess = catalogue.kept()
    expected = customer_queries.known_of(customer) if isinstance(customer, Customer) else {}
    guessed = guess.matching(basket, channel, expected) if guess else []
    counted = _limit_ids(guessed, plain=True)
    who = customer_queries.named_by_id(customer.pk) if isinstance(customer, Customer) else customer
    answer = _ask(who=who, store=store, digests=digests, limits=counted, holding=holding.grants, now=now, event=event)
    is_told = answer.is_told
    found_store = answer.store
    live = catalogue.current(answer.version)
    opened, unknown = answer.opened, []
    counted |= _limit_ids([live.entries[row["incentive"]] for row in opened if row["incentive"] in live.entries], plain=True)
    if len(opened) < len(digests):
        more, unknown = _read_again(
            {digest: text for digest, text in digests.items() if digest not in _digests(opened)}, live.shapes
        )
        opened = opened + more
        digests |= {bytes.fromhex(row["digest"]): row["typed"] for row in more}
    holders = {row["grant"]["customer_id"] for row in opened if row["grant"]}
    holder = None
    if customer is None and len(holders) == 1:
        # Whose code it is, is the customer: ask again for what this one holds, and may still use.
        answer = _ask(who=customer_queries.named_by_id(holders.pop()), limits=counted, holding=holding.grants, now=now)
        holder = answer.customer
    subject = answer.customer
    known = customer_queries.known_of(subject)
    automatic = guessed if live is guess and known == expected else live.matching(basket, channel, known)

    asking = _asking(
        live,
        opened,
        answer.held,
        automatic,
        digests,
        imagined=_as_if_live(imagined),
        is_known=subject is not None,
        now=now,
        holding=holding,
    )
    counters = answer.counters
    who_buys, today = str(subject.public_id) if subject else "", _today_of(subject, now)
    subjects = _Subjects(who_buys, store, today)
    if missing := _limit_ids([item.entry for item in asking.values()]) - counted:
        counters = {**counters, **_counters(missing, subjects.all())}
    if holding.uses:
        counters = {key: used - holding.uses.get(key, 0) for key, used in counters.items()}
    unknown += [UnknownCode(code.strip()[:64]) for code in sent if not code_rules.normalise(code)]
    wishes = from_data(subject.consent) if subject is not None and subject.consent else None
    return CandidateSet(
        channel=live.channels.get(channel),
        store=found_store,
        customer=subject,
        candidates=tuple(
            _as_wished(_candidate(item, subject, subjects, counters, position, holding), item, wishes, channel)
            for position, item in enumerate(asking.values())
        ),
        unknown_codes=tuple(unknown),
        groups={item.entry.group.key: item.entry.group for item in asking.values()},
        sources={item.entry.candidate.key: Source(item.entry.incentive, item.grant, item.code_id) for item in asking.values()},
        holder=holder,
        is_told=is_told,
    )


def _ask(
    *,
    who: customer_queries.Named | None = None,
    store: str = "",
    digests: Iterable[bytes] = (),
    limits: Iterable[int] = (),
    subjects: Sequence[str] = (),
    holding: Iterable[int] = (),
    now: datetime.datetime | None = None,
    event: str = "",
) -> _Answer:
    """The version of the catalogue, who is named, what this one holds, what the codes open, what was used of the limits and of
    those that guard what the codes open, by all and by the one who is named (or by ``subjects``): one question, one snapshot.
    What is not asked is left out of the statement. Raises ``CustomerUnknown``, ``StoreUnknown``.
    """
    # Arrays as the server reads them: psycopg takes longer over a list than the server over the question.
    wanted: dict[str, Any] = {
        "digests": array_text([f'"\\\\x{digest.hex()}"' for digest in digests]),
        "limits": array_text(limits),
        "store": store,
        "holding": array_text(holding),
        "subjects": list(subjects),
        "now": now,
        "told": event,
    }
    if who:
        wanted |= who.parameters
    question = _question(
        who=who.condition if who else "",
        has_codes=wanted["digests"] != NO_ENTRIES,
        has_limits=wanted["limits"] != NO_ENTRIES,
        has_store=bool(store),
        has_event=bool(event),
    )
    with prepared_cursor() as cursor:
        cursor.execute(question, wanted)
        row = cursor.fetchone()
    if row is None:
        raise customer_queries.CustomerUnknown
    return _Answer(
        version=row[0],
        opened=_read(row[1]) or [],
        counters=_read(row[2]) or {},
        store=customer_queries.store_from(_read(row[3])) if store else None,
        is_told=row[4],
        held=_read(row[5]) or [] if who else [],
        customer=row_as(Customer, row[6:]) if who else None,
    )


@functools.lru_cache(maxsize=100)
def _question(*, who: str, has_codes: bool, has_limits: bool, has_store: bool, has_event: bool) -> str:
    """Put together from the fixed pieces above; every value is a parameter."""
    counters = _COUNTERS.format(limits=_GUARDS if has_codes else _LIMITS, subject="c.public_id::text" if who else "''::text")
    pieces = [
        _VERSION,
        _OPENED if has_codes else "NULL",
        counters if has_codes or has_limits else "NULL",
        customer_queries.ACTIVE_STORE if has_store else "NULL",
        ANYBODY_TOLD if has_event else "false",
    ]
    if not who:
        return f"SELECT {', '.join(pieces)}"
    return f"SELECT {', '.join([*pieces, _HELD, _CUSTOMER])} FROM customers_customer c WHERE {who}"  # noqa: S608


def _digests(opened: Iterable[Mapping[str, Any]]) -> set[bytes]:
    return {bytes.fromhex(row["digest"]) for row in opened}


def _read_again(typed: Mapping[bytes, str], shapes: Sequence[code_rules.Shape]) -> tuple[list[Any], list[UnknownCode]]:
    """What codes that open nothing as they were typed open once look-alikes are put right, each row with what was ``typed``; and
    those that still open nothing: mistyped when a check character or an impossible one says so. One query more when
    there was anything to put right.
    """
    meant: dict[bytes, str] = {}
    unknown = []
    for text in typed.values():
        readings = [reading for shape in shapes if (reading := shape.read(text)) is not None]
        texts = {reading.text for reading in readings if not reading.is_mistyped} - {code_rules.normalise(text)}
        meant |= {sealing.digest(one): text for one in texts}
        # Of the shapes that have no check character nobody can say more than that it is unknown.
        is_mistyped = bool(readings) and all(reading.is_mistyped for reading in readings)
        unknown.append(UnknownCode(text, Reason.CODE_MISTYPED if is_mistyped else Reason.CODE_UNKNOWN))
    more = _ask(digests=meant).opened if meant else []
    more = [{**row, "typed": meant[bytes.fromhex(row["digest"])]} for row in more]
    right = {row["typed"] for row in more}
    return more, [one for one in unknown if one.code not in right]


def _read(value: Any) -> Any:
    """Django hands JSON of raw statements over as text."""
    return orjson.loads(value) if isinstance(value, str) else value


def _as_if_live(incentives: Sequence[Incentive]) -> dict[int, Entry]:
    """Compiled as they would be once their campaign is launched. One without channels yet is considered in all of them."""
    found = {}
    for entry in catalogue.compiled(incentives):
        standing = entry.candidate.standing
        standing = replace(standing, is_live=True, channels=standing.channels or None)
        found[entry.incentive.pk] = replace(entry, candidate=replace(entry.candidate, standing=standing))
    return found


def _asking(
    live: catalogue.Catalogue,
    opened: list[Any],
    held: list[Any],
    automatic: list[Entry],
    digests: Mapping[bytes, str],
    *,
    imagined: dict[int, Entry],
    is_known: bool,
    now: datetime.datetime,
    holding: Holding,
) -> dict[int, _Asking]:
    running: ChainMap[int, Entry] = ChainMap(imagined, live.entries)  # type: ignore[arg-type]  # nothing is written to it
    wanted = {row["incentive"] for row in opened} - running.keys()
    # Codes of what is paused, over or not yet begun: known, and refused with the reason.
    others = list(Incentive.objects.filter(pk__in=wanted).select_related("campaign", "stack_group")) if wanted else []
    entries = running.new_child({entry.incentive.pk: entry for entry in catalogue.compiled(others)})
    asking: dict[int, _Asking] = {}
    for row in opened:
        entry = entries[row["incentive"]]
        grant = _grant(row["grant"], row["incentive"]) if row["grant"] else None
        item = _Asking(entry, grant, digests[bytes.fromhex(row["digest"])])
        if batch := row["batch"]:
            item = replace(item, code_id=batch["code"], refusal=_refusal_of_code(batch, now, holding))
        first = asking.get(row["incentive"])
        # Of several codes of one incentive, one that can be used speaks for it.
        if first is None or first.refusal is not None or not batch:
            asking[row["incentive"]] = item
    for row in held:
        # A wallet shows what is paused or over by itself; nobody has asked for it here.
        if held_entry := running.get(row["incentive"]):
            asking.setdefault(row["incentive"], _Asking(held_entry, _grant(row["grant"], row["incentive"]), ""))
    for entry in automatic:
        asking.setdefault(entry.incentive.pk, _Asking(running[entry.incentive.pk], None, ""))
    for pk, entry in imagined.items():
        if entry.incentive.claim == Claim.AUTOMATIC:
            asking.setdefault(pk, _Asking(entry, None, ""))
        elif entry.incentive.claim == Claim.GRANT and is_known:
            asking.setdefault(pk, _Asking(entry, None, "", is_imagined=True))
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


def _limit_ids(entries: Sequence[Entry], *, plain: bool = False) -> set[int]:
    """``plain``: only those whose subjects are known before the customer and the store are."""
    return {limit.pk for entry in entries for limit in entry.limits if not plain or limit.per in limit_rules.PLAIN}


def _counters(limits: set[int], subjects: Iterable[str | None]) -> dict[str, int]:
    return _ask(limits=limits, subjects=[subject for subject in subjects if subject]).counters if limits else {}


def _today_of(customer: Customer | None, now: datetime.datetime) -> datetime.date:
    """The day on the customer's calendar, or UTC's when it is not known where the customer lives."""
    try:
        zone = ZoneInfo(customer.time_zone) if customer and customer.time_zone else datetime.UTC
    except (ZoneInfoNotFoundError, ValueError):
        zone = datetime.UTC
    return now.astimezone(zone).date()


def _candidate(
    item: _Asking,
    subject: Customer | None,
    subjects: Mapping[str, str | None],
    counters: Mapping[str, int],
    position: int,
    holding: Holding,
) -> Candidate:
    entry, grant = item.entry, item.grant
    candidate = entry.candidate
    if not (entry.limits or grant or item.code or entry.incentive.claim == Claim.GRANT):
        return candidate
    limits = tuple(_limit_state(limit, subjects[limit.per], counters) for limit in entry.limits)
    standing = replace(candidate.standing, limits=limits)
    if grant is not None:
        ends = [end for end in (grant.ends_at, standing.ends_at) if end is not None]
        starts = [start for start in (grant.starts_at, standing.starts_at) if start is not None]
        standing = replace(
            standing,
            starts_at=max(starts),
            ends_at=min(ends) if ends else None,
            refusal=_refusal_of(grant, subject, holding),
            # Who was given a grant may use it, whatever has changed about them since.
            audience=ALWAYS,
        )
    elif item.is_imagined:
        # As for one who holds a grant.
        standing = replace(standing, audience=ALWAYS)
    elif entry.incentive.claim == Claim.GRANT:
        # A code without a grant on a wallet incentive (imported batches): known, but nobody's.
        standing = replace(standing, refusal=Reason.NOT_HOLDER)
    elif item.refusal is not None:
        standing = replace(standing, refusal=item.refusal)
    return replace(candidate, standing=standing, code=item.code, grant=str(grant.public_id) if grant else "", position=position)


def _as_wished(candidate: Candidate, item: _Asking, wishes: Wishes | None, channel: str) -> Candidate:
    """Refused when the customer does not want to be addressed with it; what is refused already keeps its reason."""
    if wishes is None or candidate.standing.refusal is not None:
        return candidate
    if not is_unwanted(candidate, wishes, channel, is_chosen_for_them=item.is_imagined):
        return candidate
    return replace(candidate, standing=replace(candidate.standing, refusal=Reason.OPTED_OUT))


def _refusal_of(grant: Grant, subject: Customer | None, holding: Holding) -> Reason | None:
    if subject is None or subject.pk != grant.customer_id:
        return Reason.NOT_HOLDER
    if grant.state == GrantState.RESERVED and grant.pk in holding.grants:
        return None
    return {
        GrantState.USED: Reason.CODE_USED,
        GrantState.RESERVED: Reason.CODE_USED,
        GrantState.EXPIRED: Reason.CODE_EXPIRED,
        GrantState.WITHDRAWN: Reason.NOT_LIVE,
    }.get(GrantState(grant.state))


def _refusal_of_code(batch: Mapping[str, Any], now: datetime.datetime, holding: Holding) -> Reason | None:
    if batch["left"] <= 0 and batch["code"] not in holding.codes:
        return Reason.CODE_USED
    is_over = batch["ends"] is not None and datetime.datetime.fromisoformat(batch["ends"]) <= now
    return Reason.CODE_EXPIRED if is_over else None


def _limit_state(row: Limit, subject: str | None, counters: Mapping[str, int]) -> LimitState:
    """``subject`` is who uses it; ``None``: nobody of whom a count could be kept, so nothing is left."""
    if subject is None:
        used = row.maximum
    elif row.slots > 1:
        used = sum(counters.get(f"{row.pk}/{name}", 0) for name in SHARED)
    else:
        used = counters.get(f"{row.pk}/{subject}", 0)
    return LimitState(row.pk, row.measure, row.per, row.maximum, used, OnShort(row.on_short), subject or "", row.slots)
