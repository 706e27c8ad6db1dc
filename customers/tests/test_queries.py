"""Audiences: SQL and memory give the same customers. Search finds what a person types."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from customers import queries
from customers.models import Customer
from customers.rules.conditions import AUDIENCE_FACTS, Op, holds, parse

from .factories import CustomerFactory, IdentityFactory

NAMES = ("age", "orders", "tags", "member", "since")
VALUES: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([0.5, 1.5]),
    st.sampled_from(["a", "B", "2026-01-01", "2026-02-01", "ä"]),
    st.lists(st.sampled_from(["a", "b", "c"]), max_size=3),
)
PLAIN = st.one_of(st.booleans(), st.integers(-3, 3), st.sampled_from(["a", "B", "2026-01-01", "2026-02-01", "ä"]))
TEXTS = st.sampled_from(["a", "b", "c"])


@st.composite
def leaves(draw: st.DrawFn) -> dict[str, Any]:
    op = draw(st.sampled_from(list(Op)))
    dates_or_numbers = st.one_of(st.integers(-3, 3), st.sampled_from(["2026-01-01", "2026-02-01"]))
    value: Any
    match op:
        case Op.EXISTS:
            value = draw(st.booleans())
        case Op.HAS:
            value = draw(TEXTS)
        case Op.HAS_ANY | Op.HAS_ALL:
            value = draw(st.lists(TEXTS, min_size=1, max_size=3))
        case Op.IN | Op.NOT_IN:
            value = draw(st.lists(PLAIN, min_size=1, max_size=3))
        case Op.BETWEEN:
            value = [draw(dates_or_numbers), draw(dates_or_numbers)]
        case Op.MATCHES:
            value = draw(
                st.sampled_from([r"\d{4}-\d\d-01", "[a-c]+", ".", "(a|B)?", r"20[^5]*", r"[\w-]{1,9}", "ä|A", "a{0,2}.*"])
            )
        case Op.GT | Op.GE | Op.LT | Op.LE:
            value = draw(dates_or_numbers)
        case _:
            value = draw(PLAIN)
    return {"fact": f"customer.{draw(st.sampled_from(NAMES))}", "op": op.value, "value": value}


conditions = st.recursive(
    leaves(),
    lambda inner: st.builds(
        lambda quantifier, items: {quantifier: items}, st.sampled_from(["all", "any", "none"]), st.lists(inner, max_size=3)
    ),
    max_leaves=6,
)
documents = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=5)


class TestAudiences(TestCase):
    @settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(st.tuples(documents, documents), min_size=1, max_size=6), conditions)
    def test_sql_and_memory_agree(self, people: list[tuple[Any, Any]], data: Any) -> None:
        customers = [Customer.objects.create(traits=traits, facts=facts) for traits, facts in people]
        condition = parse(data, facts=AUDIENCE_FACTS)
        expected = {
            customer.pk
            for customer in customers
            if holds(condition, lambda name, c=customer: queries.known_of(c).get(name.removeprefix("customer.")))
        }
        found = queries.matching(condition).filter(pk__in=[customer.pk for customer in customers])
        assert set(found.values_list("pk", flat=True)) == expected


@pytest.mark.django_db
def test_a_customer_is_found_by_name_card_and_id() -> None:
    ann = CustomerFactory(display_name="Ann Example")
    IdentityFactory(customer=ann, kind="loyalty_card", value="CJ001234")
    CustomerFactory(display_name="Bob")
    for words in ("ann", "cj 0012-34", "CJ0012", str(ann.public_id)):
        assert list(queries.search(words)) == [ann]
    assert list(queries.search("   ")) == []


@pytest.mark.django_db
def test_an_identity_is_found_as_typed() -> None:
    known = IdentityFactory(kind="email", value="ann@example.com")
    assert queries.by_identity("email", " Ann@Example.COM ") == known.customer
    with pytest.raises(queries.CustomerUnknown):
        queries.by_identity("email", "bob@example.com")
