"""Many rows by COPY: whole or not at all, with progress, and ids that nobody else gets."""

from collections.abc import Iterator

import pytest
from django.db import IntegrityError, transaction

from customers.models import Channel, Customer, Store
from incentives_site.shared.copying import copy_csv, copy_rows, reserve_ids

pytestmark = pytest.mark.django_db
FIELDS = ["key", "name", "channel", "time_zone", "is_active"]


@pytest.fixture
def channel() -> Channel:
    return Channel.objects.create(key="copied-into", name="Stores", kind="store")


def rows(channel: Channel, count: int) -> Iterator[tuple[object, ...]]:
    return ((f"s{n}", f"Größe, “{n}”\t\\", channel.pk, "UTC", True) for n in range(count))


def test_rows_arrive_as_they_are_and_are_counted(channel: Channel) -> None:
    reported: list[int] = []
    assert copy_rows(Store, FIELDS, rows(channel, 4_500), progress=reported.append) == 4_500
    assert reported == [2_000, 2_000, 500]
    assert Store.objects.filter(channel=channel).count() == 4_500
    assert Store.objects.get(key="s7").name == "Größe, “7”\t\\"


def test_no_rows_are_fine(channel: Channel) -> None:
    reported: list[int] = []
    assert copy_rows(Store, FIELDS, [], progress=reported.append) == 0
    assert reported == []


def test_a_row_that_breaks_a_rule_leaves_nothing_behind(channel: Channel) -> None:
    twice = [*rows(channel, 3), *rows(channel, 1)]
    with pytest.raises(IntegrityError), transaction.atomic():
        copy_rows(Store, FIELDS, twice)
    assert not Store.objects.filter(channel=channel).exists()


def test_an_error_while_the_rows_are_made_leaves_nothing_behind(channel: Channel) -> None:
    def failing() -> Iterator[tuple[object, ...]]:
        yield from rows(channel, 3)
        raise RuntimeError("the source is gone")

    with pytest.raises(RuntimeError, match="the source is gone"), transaction.atomic():
        copy_rows(Store, FIELDS, failing())
    assert not Store.objects.filter(channel=channel).exists()


def test_csv_may_be_cut_anywhere(channel: Channel) -> None:
    text = f'a,"One, ""two""",{channel.pk},UTC,t\nb,"",{channel.pk},UTC,f\n'.encode()
    copy_csv(Store, FIELDS, [text[:7], memoryview(text[7:9]), text[9:]])
    found = Store.objects.filter(channel=channel).order_by("key").values_list("key", "name", "is_active")
    assert list(found) == [("a", 'One, "two"', True), ("b", "", False)]


def test_reserved_ids_are_given_to_nobody_else() -> None:
    ids = reserve_ids(Customer, 3)
    assert len(set(ids)) == 3
    assert Customer.objects.create().pk not in ids
    assert not set(ids) & set(reserve_ids(Customer, 3))
    assert reserve_ids(Customer, 0) == []
