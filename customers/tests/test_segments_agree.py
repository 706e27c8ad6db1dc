"""Segments: SQL and memory find the same customers, whatever the rule and the data."""

import datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from customers import queries
from customers.models import Channel, Customer, Event, Purchase, PurchaseLine, Segment, SegmentMember
from customers.queries import members_sql, parsed_rule
from customers.queries._segments import judged_sql
from customers.rules.consent import Purpose, Statement, Topic, Wishes, as_data
from customers.rules.segments import Done, Line, Paid, Person, rule_holds

from .factories import NOON, ChannelFactory
from .test_queries import VALUES, documents, leaves

EVENT_NAMES = ("Order Completed", "Email Opened")
WORDS = ("a", "B", "ä")
# Around the edges of windows of 1, 2 and 7 days, and what the clock of a device puts into the future.
AGES = st.builds(
    lambda days, micro: datetime.timedelta(days=days, microseconds=micro),
    st.sampled_from([0, 1, 2, 7, -1]),
    st.sampled_from([-1, 0, 1]),
)
INSTANTS = st.builds(lambda age: NOON - age, AGES)
WINDOWS = st.sampled_from([None, 1, 2, 7])
COUNTING = st.sampled_from(["==", "!=", ">", ">=", "<", "<="])
PROPERTIES = st.dictionaries(
    st.sampled_from(["category", "products", "age"]),
    st.one_of(
        VALUES,
        st.lists(st.one_of(VALUES, st.dictionaries(st.sampled_from(["category", "age"]), VALUES, max_size=2)), max_size=3),
        st.dictionaries(st.sampled_from(["category", "age"]), VALUES, max_size=2),
    ),
    max_size=3,
)


@st.composite
def comparisons(draw: st.DrawFn) -> dict[str, Any]:
    leaf = draw(leaves())
    name = draw(st.sampled_from(["category", "age", "products", "products.category", "products.age", "missing"]))
    return {"property": name, "op": leaf["op"], "value": leaf["value"]}


@st.composite
def events(draw: st.DrawFn) -> dict[str, Any]:
    said: dict[str, Any] = {}
    if draw(st.booleans()):
        said["name"] = draw(st.sampled_from(EVENT_NAMES))
    if draw(st.booleans()) or not said:
        said["type"] = draw(st.sampled_from(["track", "redeemed"]))
    if draw(st.booleans()):
        said["channel"] = draw(st.sampled_from(["store", "web", "nowhere"]))
    if days := draw(WINDOWS):
        said["within_days"] = days
    if where := draw(st.lists(comparisons(), max_size=2)):
        said["where"] = where
    return {"event": said, "op": draw(COUNTING), "value": draw(st.integers(0, 3))}


@st.composite
def purchases(draw: st.DrawFn) -> dict[str, Any]:
    measure = draw(st.sampled_from(["count", "paid"]))
    said: dict[str, Any] = {"measure": measure}
    if measure == "paid" or draw(st.booleans()):
        said["currency"] = draw(st.sampled_from(["EUR", "USD"]))
    for key in ("categories", "brands", "skus"):
        if draw(st.integers(0, 3)) == 0:
            said[key] = draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=2))
    if draw(st.booleans()):
        said["channels"] = draw(st.lists(st.sampled_from(["store", "web", "nowhere"]), min_size=1, max_size=2))
    if days := draw(WINDOWS):
        said["within_days"] = days
    return {"purchases": said, "op": draw(COUNTING), "value": draw(st.integers(0, 4))}


facts = st.one_of(
    leaves(),
    st.builds(
        lambda name, op: {"fact": f"consent.{name}", **op},
        st.sampled_from(["marketing", "marketing.web", "research.store", "service"]),
        st.sampled_from(
            [
                {"op": "==", "value": "given"},
                {"op": "!=", "value": "given"},
                {"op": "exists", "value": False},
                {"op": "in", "value": ["withdrawn", "x"]},
                {"op": "not_in", "value": ["withdrawn"]},
            ]
        ),
    ),
    st.builds(
        lambda key, value: {"fact": f"segment.{key}", "op": "==", "value": value},
        st.sampled_from(["vip", "none-such"]),
        st.booleans(),
    ),
    st.builds(
        lambda salt, op, share: {"fact": f"bucket.{salt}", "op": op, "value": share},
        st.sampled_from(["x", "Ä:%s"]),
        COUNTING,
        st.sampled_from([0, 25, 50.01, 99.99]),
    ),
)
rules = st.recursive(
    st.one_of(facts, events(), purchases()),
    lambda inner: st.builds(lambda q, items: {q: items}, st.sampled_from(["all", "any", "none"]), st.lists(inner, max_size=3)),
    max_leaves=6,
)
statements = st.lists(
    st.builds(
        Statement,
        st.builds(
            Topic, st.sampled_from(["*", "web", "store"]), st.sampled_from(list(Purpose)), st.sampled_from(["*", "points"])
        ),
        st.booleans(),
        INSTANTS,
    ),
    max_size=4,
)
done = st.builds(
    Done,
    st.sampled_from(["track", "redeemed"]),
    st.sampled_from([*EVENT_NAMES, ""]),
    st.sampled_from(["store", "web", ""]),
    INSTANTS,
    PROPERTIES,
)
lines = st.builds(Line, st.sampled_from(WORDS), st.sampled_from(WORDS), st.sampled_from(WORDS), st.integers(0, 3))
paid = st.builds(
    Paid,
    st.sampled_from(["store", "web"]),
    INSTANTS,
    st.sampled_from(["EUR", "USD"]),
    st.integers(0, 4),
    st.lists(lines, max_size=3),
)
people = st.tuples(documents, documents, statements, st.booleans(), st.lists(done, max_size=4), st.lists(paid, max_size=3))


class TestSegments(TestCase):
    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
    @given(st.lists(people, min_size=1, max_size=4), st.lists(rules, min_size=1, max_size=3))
    def test_sql_and_memory_find_the_same(self, everybody: list[Any], data: list[Any]) -> None:
        channels = {"store": ChannelFactory(), "web": ChannelFactory(web=True)}
        vip = Segment.objects.create(key="vip", name="VIP", kind="list", created_at=NOON, changed_at=NOON)
        persons = {}
        for traits, known, said, is_vip, happened, bought in everybody:
            wishes = Wishes().with_statements(said)
            customer = Customer.objects.create(traits=traits, facts=known, consent=as_data(wishes))
            if is_vip:
                SegmentMember.objects.create(segment=vip, customer=customer, since=NOON)
            _store(customer, happened, bought, channels)
            persons[customer.pk] = Person(
                customer.public_id, queries.known_of(customer), wishes, {"vip": is_vip}, happened, bought
            )
        parsed = {n + 1: parsed_rule(rule) for n, rule in enumerate(data)}
        expected = {pk: {n for n, rule in parsed.items() if rule_holds(rule, person, now=NOON)} for pk, person in persons.items()}
        for n, rule in parsed.items():
            found = {pk for (pk,) in _answer(*members_sql(rule, now=NOON))}
            assert found == {pk for pk, fits in expected.items() if n in fits}
        judged = _answer(*judged_sql(parsed, customers=list(persons), now=NOON, ids={"vip": vip.pk}))
        assert {pk: set(fits) for pk, fits, _held in judged} == expected


def _answer(sql: str, parameters: list[Any]) -> list[Any]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


def _store(customer: Customer, happened: list[Done], bought: list[Paid], channels: dict[str, Channel]) -> None:
    for n, event in enumerate(happened):
        Event.objects.create(
            customer=customer,
            type=event.type,
            name=event.name,
            channel=channels.get(event.channel),
            occurred_at=event.occurred_at,
            received_at=NOON,
            source="x",
            message_id=str(n),
            properties=event.properties,
        )
    for n, purchase in enumerate(bought):
        row = Purchase.objects.create(
            customer=customer,
            source="x",
            order_key=f"{customer.pk}-{n}",
            channel=channels[purchase.channel],
            placed_at=purchase.placed_at,
            currency=purchase.currency,
            paid=purchase.paid + 1,
            refunded=1,
        )
        for position, line in enumerate(purchase.lines):
            PurchaseLine.objects.create(
                purchase=row,
                position=position,
                sku=line.sku,
                category=line.category,
                brand=line.brand,
                quantity=1,
                paid=line.paid,
            )
