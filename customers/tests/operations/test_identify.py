"""An identity belongs to one customer, whoever names it first and however often."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from customers import operations
from customers.models import Customer, Identity
from customers.rules.faults import Misunderstood


@pytest.mark.django_db
def test_the_second_time_finds_the_first() -> None:
    ann, is_new = operations.identify(kind="email", value="Ann@example.com", display_name="Ann")
    again, is_new_again = operations.identify(kind="email", value=" ann@EXAMPLE.com")
    assert (is_new, is_new_again, again) == (True, False, ann)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "value"), [("email", "null"), ("user_id", "0000"), ("phone", "12"), ("Kind", "x"), ("email", "a b@c")]
)
def test_junk_identifies_nobody(kind: str, value: str) -> None:
    with pytest.raises(Misunderstood):
        operations.identify(kind=kind, value=value)
    assert not Customer.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_many_at_once_make_one_customer() -> None:
    def name_it(_: int) -> int:
        try:
            return operations.identify(kind="user_id", value="u-1")[0].pk
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as pool:
        found = set(pool.map(name_it, range(20)))
    assert len(found) == 1
    assert (Customer.objects.count(), Identity.objects.count()) == (1, 1)
