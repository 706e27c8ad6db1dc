"""Customers become one and are taken apart again, by events and by hand, also when many do so at once."""

import datetime as dt
import json
import random
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from customers import operations, queries
from customers.models import Customer, Event, Identity, Merge
from customers.operations import Signal
from customers.rules.resolution import Dropped, Identifier
from customers.rules.timeline import EventType
from customers.tests.factories import NOON, CustomerFactory, IdentityFactory
from incentives_site.shared.problems import Invalid

pytestmark = pytest.mark.django_db


def hear(*identifiers: Identifier, at: dt.datetime = NOON) -> Customer:
    return hear_all([Signal(identifiers, at)])[0]


def hear_all(signals: list[Signal]) -> list[Customer]:
    with transaction.atomic():
        resolved = operations.resolve_all(signals, by="test", now=NOON)
    return [Customer.objects.get(pk=item.customer_id) for item in resolved]


def names_of(customer: Customer) -> set[Identifier]:
    return set(customer.identities.values_list("kind", "value"))


ANN, COOKIE, MAIL = ("user_id", "ann"), ("anonymous_id", "c1"), ("email", "ann@shop.test")


def test_the_first_event_makes_a_customer_and_the_next_finds_it() -> None:
    customer = hear(COOKIE)
    assert hear(COOKIE, ANN) == customer
    assert hear(ANN, MAIL) == customer
    assert names_of(customer) == {COOKIE, ANN, MAIL}


def test_one_piece_of_work_is_as_good_as_many() -> None:
    signals = [Signal((COOKIE,), NOON), Signal((MAIL,), NOON), Signal((COOKIE, MAIL), NOON), Signal((MAIL, ANN), NOON)]
    customers = hear_all(signals)
    assert len({customer.pk for customer in customers}) == 1
    assert names_of(customers[0]) == {COOKIE, MAIL, ANN}
    assert Customer.objects.count() == 1  # nobody was written only to be merged


def test_a_visitor_known_from_before_becomes_part_of_who_logs_in() -> None:
    old, visitor = hear(ANN, at=NOON - dt.timedelta(days=9)), hear(COOKIE)
    operations.track(
        customer=visitor, type=EventType.PAGE, source="shop", message_id="1", occurred_at=NOON, received_at=NOON, name="Home"
    )
    assert hear(ANN, COOKIE) == old
    assert names_of(old) == {ANN, COOKIE}
    assert Event.objects.get(type=EventType.PAGE).customer == old
    visitor.refresh_from_db()
    assert visitor.forwarded_to == old
    assert queries.by_public_id(visitor.public_id) == old
    assert Merge.objects.get().survivor == old


def test_a_forward_never_becomes_a_chain() -> None:
    first, second, third = (hear((kind, "x"), at=NOON + dt.timedelta(days=n)) for n, kind in enumerate(["a1", "b1", "c1"]))
    assert hear(("b1", "x"), ("c1", "x")) == second
    assert hear(("a1", "x"), ("b1", "x")) == first
    assert queries.by_public_id(third.public_id) == first
    third.refresh_from_db()
    assert third.forwarded_to == first


def test_traits_said_later_win_one_by_one() -> None:
    old = CustomerFactory(
        first_seen_at=NOON, traits={"city": "Rome", "tea": 1}, traits_at={"city": "2026-01-01", "tea": "2026-05-01"}
    )
    new = CustomerFactory(
        first_seen_at=NOON + dt.timedelta(days=1),
        traits={"city": "Bonn", "tea": 2, "hat": 3},
        traits_at={"city": "2026-03-01", "tea": "2026-02-01"},
    )
    operations.merge(one=new, other=old, by="ann", reason="Same person", now=NOON)
    old.refresh_from_db()
    assert old.traits == {"city": "Bonn", "tea": 1, "hat": 3}


def test_by_hand_also_two_with_user_ids_become_one_and_the_preview_says_so() -> None:
    one, other = hear(ANN), hear(("user_id", "bob"), MAIL)
    preview = operations.preview_merge(one=one, other=other, now=NOON)
    assert (preview.survivor, preview.merged, list(preview.broken)) == (one, other, ["user_id"])
    assert preview.moves[0][1] == 2
    operations.merge(one=other, other=one, by="ann", reason="She has two accounts", now=NOON)
    assert names_of(one) == {ANN, ("user_id", "bob"), MAIL}


def test_a_merge_by_hand_needs_a_reason_and_two_customers() -> None:
    one, other = CustomerFactory(), CustomerFactory()
    with pytest.raises(Invalid):
        operations.merge(one=one, other=other, by="ann", reason=" ", now=NOON)
    with pytest.raises(operations.CannotMerge):
        operations.merge(one=one, other=one, by="ann", reason="Same", now=NOON)
    operations.merge(one=one, other=other, by="ann", reason="Same", now=NOON)
    with pytest.raises(operations.CannotMerge):
        operations.merge(one=one, other=other, by="ann", reason="Same", now=NOON)


def _everything() -> dict[str, Any]:
    """All that is stored of customers, without what tells of merges."""
    with connection.cursor() as cursor:
        found = {}
        for table, order in (("customers_customer", "id"), ("customers_identity", "kind, value"), ("customers_event", "id")):
            cursor.execute(f"SELECT to_jsonb(t) FROM {table} t ORDER BY {order}")  # noqa: S608
            rows = [json.loads(text) for (text,) in cursor.fetchall()]
            for row in rows:
                row.pop("link_version", None)  # links end with a merge and with a split: nothing gives them back
            found[table] = [row for row in rows if row.get("type") not in {"merged", "split"}]
    return found


def test_a_split_gives_back_what_was() -> None:
    one = CustomerFactory(first_seen_at=NOON, traits={"city": "Rome"}, traits_at={"city": "2026-01-01"})
    other = CustomerFactory(first_seen_at=NOON + dt.timedelta(days=1), traits={"city": "Bonn"}, traits_at={"city": "2026-03-01"})
    for customer in (one, other):
        IdentityFactory(customer=customer)
        operations.track(
            customer=customer,
            type=EventType.PAGE,
            source="shop",
            message_id=str(customer.pk),
            occurred_at=NOON,
            received_at=NOON,
        )
    operations.refresh_insight(customers=[one.pk, other.pk], now=NOON)
    before = _everything()
    record = operations.merge(one=one, other=other, by="ann", reason="Same person", now=NOON)
    assert _everything() != before
    assert operations.split(merge=record, by="ben", reason="Twins", now=NOON) == other
    assert _everything() == before
    with pytest.raises(operations.CannotSplit):
        operations.split(merge=record, by="ben", reason="Twins", now=NOON)


def test_what_was_said_after_a_merge_stays_with_the_survivor() -> None:
    one, other = CustomerFactory(first_seen_at=NOON, traits={"city": "Rome"}), CustomerFactory(traits={"city": "Bonn"})
    record = operations.merge(one=one, other=other, by="ann", reason="Same person", now=NOON)
    later = (NOON + dt.timedelta(days=1)).isoformat()
    Customer.objects.filter(pk=one.pk).update(traits={"city": "Rome", "pet": "cat"}, traits_at={"pet": later})
    operations.split(merge=record, by="ben", reason="Twins", now=NOON)
    one.refresh_from_db()
    other.refresh_from_db()
    assert (one.traits, other.traits) == ({"city": "Rome", "pet": "cat"}, {"city": "Bonn"})


def test_who_was_taken_apart_stays_apart() -> None:
    one, other = hear(ANN), hear(COOKIE)
    hear(ANN, COOKIE)
    record = Merge.objects.get()
    operations.split(merge=record, by="ben", reason="A shared computer", now=NOON)
    assert names_of(other) == {COOKIE}
    with transaction.atomic():
        (resolved,) = operations.resolve_all([Signal((ANN, COOKIE), NOON)], by="test", now=NOON)
    assert resolved.customer_id == one.pk
    assert resolved.dropped == ((COOKIE, Dropped.SPLIT_BEFORE),)


def test_what_comes_late_to_a_merged_customer_follows() -> None:
    one, other = hear(ANN), hear(COOKIE)
    hear(ANN, COOKIE)
    operations.track(customer=other, type=EventType.PAGE, source="shop", message_id="9", occurred_at=NOON, received_at=NOON)
    assert operations.follow_up_merges(now=NOON) == 1
    assert operations.follow_up_merges(now=NOON) == 0
    assert Event.objects.get(type=EventType.PAGE).customer == one


def _at_once(*works: Callable[[], object]) -> list[BaseException]:
    """Each on a connection of its own, all starting together; the errors."""
    barrier, errors = threading.Barrier(len(works)), []

    def run(work: Callable[[], object]) -> None:
        try:
            barrier.wait(10)
            work()
        except BaseException as error:  # noqa: BLE001  (shown by the assertion)
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return errors


@pytest.mark.django_db(transaction=True)
def test_two_workers_with_the_same_new_identifier_make_one_customer() -> None:
    for n in range(10):
        signals = [Signal((("user_id", f"u{n}"), ("anonymous_id", f"a{n}")), NOON)]
        assert _at_once(lambda s=signals: hear_all(s), lambda s=signals: hear_all(s)) == []
        assert Customer.objects.count() == n + 1


@pytest.mark.django_db(transaction=True)
def test_workers_on_the_same_identifiers_neither_wait_in_a_circle_nor_break_a_limit() -> None:
    chance = random.Random(20261122)
    kinds = {"user_id": 6, "email": 12, "anonymous_id": 30}

    def signals() -> list[Signal]:
        made = []
        for _n in range(30):
            named = {(kind, f"{kind}{chance.randrange(count)}@x.test") for kind, count in kinds.items() if chance.random() < 0.6}
            if named:
                made.append(Signal(tuple(sorted(named)), NOON))
        return made

    batches = [[signals() for _m in range(4)] for _n in range(4)]
    errors = _at_once(*(lambda b=work: [hear_all(batch) for batch in b] for work in batches))
    assert [error for error in errors if not isinstance(error, OperationalError)] == []
    assert errors == []
    held: dict[int, list[str]] = {}
    for customer, kind in Identity.objects.values_list("customer_id", "kind"):
        held.setdefault(customer, []).append(kind)
    assert all(kinds.count("user_id") <= 1 and kinds.count("email") <= 5 for kinds in held.values())
    assert not Customer.objects.filter(pk__in=held).exclude(forwarded_to=None).exists()
    assert not Customer.objects.filter(forwarded_to__forwarded_to__isnull=False).exists()
