"""Write down what a customer agrees to and refuses, and how much it wants to hear: one way in for every door."""

import datetime
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from incentives_site.integrations.queries import is_anybody_told
from incentives_site.shared.problems import FieldError, Invalid

from .. import queries
from ..models import Channel, Consent, Customer
from ..rules.consent import ALL, How, IncentiveKind, Purpose, Statement, Topic, Wishes, as_data, from_data, stricter
from ..rules.timeline import EventType
from ._announce import OPTED_OUT, announce_opted_out
from ._holdings import Erasing, Holding, Moving, as_rows
from ._judge import note_changed
from ._segments import refresh_memberships
from ._track import track

# The words on the preference page, by version: what somebody agreed to can be looked up (``docs/consent.md``, Wording).
WORDING = "2026-11"
MOST_PER_WEEK = 50
LONGEST_PAUSE = datetime.timedelta(days=366)


class _Unchanged:
    """Stands for "as it is" where ``None`` means "no wish"."""


UNCHANGED = _Unchanged()


@dataclass(frozen=True, slots=True)
class Choice:
    """What is said in one statement: ``channel`` and ``kind`` are keys, ``ALL`` for every one."""

    is_given: bool
    channel: str = ALL
    purpose: Purpose = Purpose.MARKETING
    kind: str = ALL

    @property
    def topic(self) -> Topic:
        return Topic(self.channel, self.purpose, self.kind)


def record_consent(
    *,
    customer: Customer,
    choices: Sequence[Choice],
    how: How,
    by: str,
    now: datetime.datetime,
    said_at: datetime.datetime | None = None,
    wording: str = "",
    reason: str = "",
) -> list[Consent]:
    """Add the customer's statements to the ledger; those that were added.

    A statement that says what holds already, agreed to in the same wording, adds nothing, so that a call may be repeated. One
    that was ``said_at`` before the latest about its topic is kept as well, and does not change what holds. Partners are told of
    withdrawals of marketing, and the timeline of everything. Raises ``Invalid`` for a channel or kind that does not exist, an
    instant to come, and words that are too long.
    """
    at = said_at or now
    with transaction.atomic():
        _check(choices, at=at, now=now, wording=wording, reason=reason)
        rows = record_all(said=[Said(customer.pk, choices, at, by, wording, reason)], how=how, now=now)
        customer.refresh_from_db(fields=["consent", "language"])
        if rows:
            note_changed(customers=[customer.pk], now=now)
            refresh_memberships(customers=[customer.pk], now=now)
    return rows


@dataclass(frozen=True, slots=True)
class Said:
    """What one customer, by its id, has said at an instant, and who says so: channels and kinds that exist, texts that fit."""

    customer: int
    choices: Sequence[Choice]
    at: datetime.datetime
    by: str
    wording: str = ""
    reason: str = ""


def record_all(*, said: Sequence[Said], how: How, now: datetime.datetime) -> list[Consent]:
    """What ``record_consent`` does, for many at once: as many statements as there are, the number of queries is the same.

    Joins the caller's transaction; the caller has the customers judged.
    """
    if not said:
        return []
    channels = {row.key: row for row in Channel.objects.filter(key__in={c.channel for one in said for c in one.choices})}
    found = Customer.objects.select_for_update(no_key=True).filter(pk__in={one.customer for one in said}).order_by("pk")
    customers = {customer.pk: customer for customer in found.only("public_id", "consent")}
    wishes = {pk: from_data(customer.consent) for pk, customer in customers.items()}
    wordings = _wordings([one.customer for one in said if one.wording and wishes[one.customer].said])
    rows: list[Consent] = []
    left: list[Consent] = []
    for one in said:
        for choice in one.choices:
            held = wishes[one.customer].said.get(choice.topic)
            place = (one.customer, choice.topic)
            if held is not None and held.is_given is choice.is_given:
                is_reworded = bool(choice.is_given and one.wording and wordings.get(place, one.wording) != one.wording)
                if not is_reworded:
                    continue
            row = _row(
                customers[one.customer], choice, channels,
                how=how, wording=one.wording, reason=one.reason, by=one.by, at=one.at, now=now,
            )  # fmt: skip
            rows.append(row)
            statement = Statement(choice.topic, choice.is_given, one.at)
            wishes[one.customer] = wishes[one.customer].with_statements([statement])
            if wishes[one.customer].said[choice.topic] is statement:
                wordings[place] = one.wording
                if choice.purpose is Purpose.MARKETING and not choice.is_given:
                    left.append(row)
    if rows:
        Consent.objects.bulk_create(rows)
        _keep_all({row.customer_id: wishes[row.customer_id] for row in rows})
        _tell(rows, left, now=now)
    return rows


def _wordings(customers: Sequence[int]) -> dict[tuple[int, Topic], str]:
    """The words of each customer's latest statement of each topic."""
    if not customers:
        return {}
    found = Consent.objects.filter(customer__in=set(customers)).select_related("channel")
    latest = found.order_by("customer_id", "channel_id", "purpose", "kind", "-said_at", "-pk")
    return {
        (row.customer_id, statement_of(row).topic): row.wording
        for row in latest.distinct("customer_id", "channel_id", "purpose", "kind")
    }


def opt_out(
    *, customer: Customer, how: How, by: str, now: datetime.datetime, wording: str = "", reason: str = "", channel: str = ALL
) -> None:
    """Leave everything, or everything in one channel: no marketing and no questions any more. Done twice it is done once."""
    choices = [Choice(False, channel, purpose) for purpose in (Purpose.MARKETING, Purpose.RESEARCH)]
    record_consent(customer=customer, choices=choices, how=how, by=by, now=now, wording=wording, reason=reason)


def opt_in(*, customer: Customer, how: How, by: str, now: datetime.datetime, wording: str = "") -> None:
    """Come back after leaving everything. Channels and kinds that were refused one by one stay refused, and so do surveys."""
    record_consent(customer=customer, choices=[Choice(True)], how=how, by=by, now=now, wording=wording)


def set_preferences(
    *,
    customer: Customer,
    by: str,
    now: datetime.datetime,
    per_week: int | _Unchanged | None = UNCHANGED,
    paused_until: datetime.date | _Unchanged | None = UNCHANGED,
    language: str | _Unchanged = UNCHANGED,
) -> None:
    """How many messages a week at most (``None``: no wish), no marketing until a day, and in which language.

    Raises ``Invalid`` for a number, day or language that is not possible.
    """
    errors = []
    if not isinstance(per_week, _Unchanged) and per_week is not None and not 0 <= per_week <= MOST_PER_WEEK:
        errors.append(FieldError("/per_week", "out-of-range", _("From 0 to %(most)s.") % {"most": MOST_PER_WEEK}))
    if not isinstance(language, _Unchanged) and language not in {"", *(code for code, _name in settings.LANGUAGES)}:
        errors.append(FieldError("/language", "unknown-language", _("This language is not offered here.")))
    today = today_of(customer, now)
    if isinstance(paused_until, datetime.date) and not today < paused_until <= today + LONGEST_PAUSE:
        errors.append(FieldError("/paused_until", "out-of-range", _("Choose a day to come, at most a year from now.")))
    if errors:
        raise Invalid(errors=errors)
    with transaction.atomic():
        before = _take(customer)
        after = Wishes(
            before.said,
            before.per_week if isinstance(per_week, _Unchanged) else per_week,
            before.paused_until if isinstance(paused_until, _Unchanged) else paused_until,
        )
        changed: dict[str, object] = {}
        if after.per_week != before.per_week:
            changed["per_week"] = after.per_week
        if after.paused_until != before.paused_until:
            changed["paused_until"] = after.paused_until.isoformat() if after.paused_until else None
        if changed:
            _keep(customer, after)
        if not isinstance(language, _Unchanged) and language != customer.language:
            changed["language"] = language
            Customer.objects.filter(pk=customer.pk).update(language=language)
            customer.language = language
        if changed:
            track(
                customer=customer,
                type=EventType.TRACK,
                source="customers",
                message_id=f"preferences:{customer.public_id}:{now.isoformat()}",
                occurred_at=now,
                received_at=now,
                name="Preferences Changed",
                properties={**changed, "by": by},
            )


def today_of(customer: Customer, now: datetime.datetime) -> datetime.date:
    """The day on the customer's calendar; UTC's where it is not known where the customer lives."""
    try:
        zone = ZoneInfo(customer.time_zone) if customer.time_zone else datetime.UTC
    except (ZoneInfoNotFoundError, ValueError):
        zone = datetime.UTC
    return now.astimezone(zone).date()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants from now on; what is not named stays as it is. ``channels`` and ``kinds``: by key, wanted or not."""

    opted_out: bool | None = None
    channels: Mapping[str, bool] = field(default_factory=dict)
    kinds: Mapping[str, bool] = field(default_factory=dict)
    research: bool | None = None
    per_week: int | _Unchanged | None = UNCHANGED
    paused_until: datetime.date | _Unchanged | None = UNCHANGED
    language: str | _Unchanged = UNCHANGED


def change_preferences(
    *, customer: Customer, wanted: Wanted, how: How, by: str, now: datetime.datetime, wording: str = "", reason: str = ""
) -> None:
    """Make what is ``wanted`` hold, by one statement for each thing that is different now. Raises ``Invalid``."""
    with transaction.atomic():
        _take(customer)
        customer.refresh_from_db(fields=["consent", "language"])
        held = queries.preferences_of(customer)
        _check_named(wanted)
        choices = []
        if wanted.opted_out is not None and wanted.opted_out is not held.opted_out:
            choices.append(Choice(not wanted.opted_out))
            if wanted.opted_out:
                choices.append(Choice(False, purpose=Purpose.RESEARCH))
        choices += [Choice(is_given, key) for key, is_given in wanted.channels.items() if held.channels.get(key) is not is_given]
        choices += [Choice(is_given, kind=key) for key, is_given in wanted.kinds.items() if held.kinds.get(key) is not is_given]
        if wanted.research is not None and wanted.research is not held.research:
            choices.append(Choice(wanted.research, purpose=Purpose.RESEARCH))
        record_consent(customer=customer, choices=choices, how=how, by=by, now=now, wording=wording, reason=reason)
        set_preferences(
            customer=customer,
            by=by,
            now=now,
            per_week=wanted.per_week,
            paused_until=wanted.paused_until,
            language=wanted.language,
        )


def _check_named(wanted: Wanted) -> None:
    known = set(Channel.objects.filter(key__in=wanted.channels).values_list("key", flat=True))
    errors = [
        FieldError(f"/channels/{key}", "channel-unknown", _("There is no such channel."))
        for key in wanted.channels.keys() - known
    ]
    errors += [
        FieldError(f"/kinds/{key}", "kind-unknown", _("There is no such kind of incentive."))
        for key in wanted.kinds.keys() - set(IncentiveKind)
    ]
    if errors:
        raise Invalid(errors=errors)


# --- When two customers turn out to be one, and when they turn out not to be ----------------------------------------------


def move_consent(*, into: Customer, other: Customer, by: str, now: datetime.datetime) -> dict[str, Any]:
    """Hand the ledger of ``other`` to ``into``, with the stricter of both in force; what ``put_consent_back`` needs to undo it.

    Where the latest statement would be laxer than the stricter one, a line says that the merge kept the refusal. Joins the
    caller's transaction.
    """
    mine, theirs = _take(into), _take(other)
    moved = list(Consent.objects.filter(customer=other).order_by("pk").values_list("pk", flat=True))
    Consent.objects.filter(pk__in=moved).update(customer=into)
    wanted, latest = stricter(mine, theirs), _folded(into)
    kept = [s for topic, s in wanted.said.items() if not s.is_given and latest.said[topic].is_given]
    channels = {channel.key: channel for channel in Channel.objects.filter(key__in={s.topic.channel for s in kept})}
    written = Consent.objects.bulk_create(
        _row(
            into,
            Choice(False, s.topic.channel, s.topic.purpose, s.topic.kind),
            channels,
            how=How.MERGE,
            by=by,
            at=max(now, latest.said[s.topic].at),
            now=now,
        )
        for s in kept
    )
    _keep(into, Wishes(_folded(into).said, wanted.per_week, wanted.paused_until))
    _keep(other, Wishes())
    return {"moved": moved, "written": [row.pk for row in written], "into": as_data(mine), "other": as_data(theirs)}


def put_consent_back(*, into: Customer, other: Customer, record: Mapping[str, Any]) -> None:
    """Undo ``move_consent``: the lines go back, what the merge wrote goes, and each customer's own statements are in force again.

    What the customer that remained has said since stays its own. Joins the caller's transaction.
    """
    now_wanted = _take(into)
    _take(other)
    Consent.objects.filter(pk__in=record["moved"], customer=into).update(customer=other)
    _allow("customers.splitting")
    Consent.objects.filter(pk__in=record["written"], customer=into, how=How.MERGE).delete()
    mine, theirs = from_data(record["into"]), from_data(record["other"])
    merged = stricter(mine, theirs)
    per_week = mine.per_week if now_wanted.per_week == merged.per_week else now_wanted.per_week
    pause = mine.paused_until if now_wanted.paused_until == merged.paused_until else now_wanted.paused_until
    _keep(into, Wishes(_folded(into).said, per_week, pause))
    _keep(other, Wishes(_folded(other).said, theirs.per_week, theirs.paused_until))


def _folded(customer: Customer) -> Wishes:
    """What the ledger alone says."""
    rows = Consent.objects.filter(customer=customer).select_related("channel").order_by("said_at", "pk")
    return Wishes().with_statements(statement_of(row) for row in rows)


def statement_of(row: Consent) -> Statement:
    topic = Topic(row.channel.key if row.channel else ALL, Purpose(row.purpose), row.kind or ALL)
    return Statement(topic, row.is_given, row.said_at)


# --- Parts ----------------------------------------------------------------------------------------------------------------


def _check(choices: Sequence[Choice], *, at: datetime.datetime, now: datetime.datetime, wording: str, reason: str) -> None:
    """Raises ``Invalid``."""
    channels = set(Channel.objects.filter(key__in={choice.channel for choice in choices}).values_list("key", flat=True))
    errors = []
    for position, choice in enumerate(choices):
        if choice.channel != ALL and choice.channel not in channels:
            errors.append(FieldError(f"/consents/{position}/channel", "channel-unknown", _("There is no such channel.")))
        if choice.kind != ALL and choice.kind not in set(IncentiveKind):
            errors.append(FieldError(f"/consents/{position}/kind", "kind-unknown", _("There is no such kind of incentive.")))
    if at > now + datetime.timedelta(minutes=5):
        errors.append(FieldError("/at", "in-the-future", _("Nobody has said this yet.")))
    for name, text, longest in (("wording", wording, 100), ("reason", reason, 200)):
        if len(text) > longest or "\x00" in text:
            errors.append(FieldError(f"/{name}", "bad-text", _("At most %(longest)s characters.") % {"longest": longest}))
    if errors:
        raise Invalid(errors=errors)


def _take(customer: Customer) -> Wishes:
    """What holds for the customer, whose row stays locked: two statements at once wait for each other."""
    locked = Customer.objects.select_for_update(no_key=True).only("consent", "language").get(pk=customer.pk)
    customer.language = locked.language
    return from_data(locked.consent)


def _keep(customer: Customer, wishes: Wishes) -> None:
    data = as_data(wishes)
    Customer.objects.filter(pk=customer.pk).update(consent=data)
    customer.consent = data


_KEEP = """
UPDATE customers_customer c SET consent = k.consent::jsonb
FROM unnest(%s::bigint[], %s::text[]) AS k (id, consent) WHERE c.id = k.id
"""


def _keep_all(wishes: Mapping[int, Wishes]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_KEEP, [list(wishes), [json.dumps(as_data(one)) for one in wishes.values()]])


def _row(
    customer: Customer,
    choice: Choice,
    channels: dict[str, Channel],
    *,
    how: How,
    by: str,
    at: datetime.datetime,
    now: datetime.datetime,
    wording: str = "",
    reason: str = "",
) -> Consent:
    return Consent(
        customer=customer,
        channel=channels.get(choice.channel),
        purpose=choice.purpose.value,
        kind="" if choice.kind == ALL else choice.kind,
        is_given=choice.is_given,
        how=how.value,
        wording=wording,
        reason=reason,
        actor=by,
        said_at=at,
        recorded_at=now,
    )


# A line of the ledger is new, and so is the event that tells of it.
_TELL = """
INSERT INTO customers_event (public_id, customer_id, type, name, channel_id, occurred_at, received_at, source, message_id,
    properties)
SELECT gen_random_uuid(), r.customer_id, CASE WHEN r.id = ANY(%(left)s) THEN %(opted_out)s ELSE %(track)s END,
    CASE WHEN r.id = ANY(%(left)s) THEN '' WHEN r.is_given THEN 'Consent Given' ELSE 'Consent Withdrawn' END,
    r.channel_id, r.said_at, %(now)s, 'customers', 'consent:' || r.id,
    jsonb_build_object('purpose', r.purpose, 'kind', NULLIF(r.kind, ''), 'how', r.how, 'by', r.actor)
FROM customers_consent r WHERE r.id = ANY(%(rows)s) ORDER BY r.id
"""


def _tell(rows: Sequence[Consent], left: Sequence[Consent], *, now: datetime.datetime) -> None:
    values: dict[str, Any] = {
        "rows": [row.pk for row in rows],
        "left": [row.pk for row in left],
        "opted_out": EventType.OPTED_OUT.value,
        "track": EventType.TRACK.value,
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(_TELL, values)
    if left and is_anybody_told(OPTED_OUT):
        for row in left:
            announce_opted_out(row)


def allow_erasing() -> None:
    """Until the transaction ends lines of the ledger may be deleted: erasure alone may ask for this."""
    _allow("customers.erasing")


def _allow(what: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config(%s, 'on', true)", [what])


def _move(moving: Moving) -> dict[str, Any]:
    return move_consent(into=moving.target, other=moving.source, by=moving.by, now=moving.now)


def _put_back(moving: Moving, moved: dict[str, Any]) -> None:
    put_consent_back(into=moving.target, other=moving.source, record=moved)


def _count(customer: Customer) -> int:
    return Consent.objects.filter(customer=customer).count()


def _export(customer: Customer) -> list[dict[str, Any]]:
    return as_rows(Consent.objects.filter(customer=customer).order_by("pk"), but={"customer"})


def _erase(erasing: Erasing) -> None:
    allow_erasing()
    Consent.objects.filter(customer__in=erasing.pks).delete()


CONSENT = Holding("consent", gettext_lazy("statements of consent"), _count, _move, _put_back, _export, _erase)
