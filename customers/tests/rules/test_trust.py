"""What a source may say, by how its key is kept."""

import pytest

from customers.rules import trust
from customers.rules.trust import Evidence, Proof, Trust

NAMED = (("user_id", "ann"), ("email", "ann@shop.test"), ("anonymous_id", "a1"))


def test_a_server_identifies_by_everything_it_names() -> None:
    assert trust.evidence(Trust.SERVER, NAMED, visitor="a1") == Evidence(Proof.SERVER, proven=NAMED)


@pytest.mark.parametrize("kind", [Trust.BROWSER, Trust.DEVICE])
def test_a_public_key_identifies_one_visitor_and_the_rest_is_claimed(kind: Trust) -> None:
    found = trust.evidence(kind, NAMED, visitor="a1")
    assert found.named == (("anonymous_id", "a1"),)
    assert found.claimed == NAMED[:2]
    assert found.proof is Proof.VISITOR


@pytest.mark.parametrize("kind", [Trust.BROWSER, Trust.DEVICE])
def test_a_token_identifies_by_what_it_names_and_nothing_beside_it(kind: Trust) -> None:
    found = trust.evidence(kind, NAMED, visitor="a1", token={"user_id": "bob"})
    assert found.named == (("user_id", "bob"), ("anonymous_id", "a1"))
    assert found.claimed == NAMED[:2]
    assert found.proof is Proof.TOKEN


@pytest.mark.parametrize(
    "name", ["Order Completed", "order_completed", " ORDER  COMPLETED ", "Order Refunded", "OrderCancelled", "Subscribed"]
)
def test_orders_and_consent_are_known_however_they_are_spelled(name: str) -> None:
    assert trust.is_weighty(name)


@pytest.mark.parametrize("name", ["Product Viewed", "Order Page Viewed", "", "Unsubscribe Page"])
def test_other_names_are_ordinary(name: str) -> None:
    assert not trust.is_weighty(name)


@pytest.mark.parametrize(
    ("typed", "origin"),
    [
        ("https://shop.example", "https://shop.example"),
        ("https://Shop.Example/", "https://shop.example"),
        ("https://shop.example:443", "https://shop.example"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("https://shop.example/path", None),
        ("https://user@shop.example", None),
        ("ftp://shop.example", None),
        ("shop.example", None),
        ("null", None),
        ("https://", None),
        ("https://shop.example:99999", None),
        ("", None),
    ],
)
def test_an_origin_is_a_scheme_a_host_and_a_port(typed: str, origin: str | None) -> None:
    assert trust.origin_of(typed) == origin


@pytest.mark.parametrize(
    ("kind", "origin", "allowed", "may"),
    [
        (Trust.SERVER, None, [], True),
        (Trust.SERVER, "https://shop.example", ["https://shop.example"], False),
        (Trust.BROWSER, None, [], True),
        (Trust.BROWSER, "https://evil.example", [], True),
        (Trust.BROWSER, "https://shop.example", ["https://shop.example"], True),
        (Trust.BROWSER, "https://evil.example", ["https://shop.example"], False),
        (Trust.BROWSER, "null", ["https://shop.example"], False),
        (Trust.BROWSER, None, ["https://shop.example"], False),
        (Trust.DEVICE, None, [], True),
        (Trust.DEVICE, "https://shop.example", [], False),
        (Trust.DEVICE, "https://shop.example", ["https://shop.example"], True),
    ],
)
def test_who_may_send_from_where(kind: Trust, origin: str | None, allowed: list[str], may: bool) -> None:
    assert trust.may_send(kind, origin, allowed) is may


def test_claims_are_bounded() -> None:
    kept = trust.kept_claims({}, {f"name-{n}": "x" for n in range(200)})
    assert len(kept) == trust.MOST_CLAIMS
    assert trust.kept_claims({}, {"x": "y" * 501, "deep": {"a": 1}, "n" * 101: 1}) == {}
    assert trust.kept_claims({"a": "1", "b": "2"}, {"a": None, "b": "", "c": 3, "d": True}) == {"b": "2", "c": 3, "d": True}
    large = {f"n{n}": "y" * 500 for n in range(16)}
    assert trust.kept_claims(large, {"one-more": "y" * 500}) == large
