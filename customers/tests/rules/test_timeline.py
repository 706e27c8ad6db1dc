"""Names of events that only the product gives."""

import pytest

from customers.rules.timeline import OWN_NAMES, EventType, is_own_name, name_from


@pytest.mark.parametrize(
    "name",
    [
        *OWN_NAMES,
        "tier Gold",
        "Tier  GOLD",
        "tier",
        "Redeemed",
        "Redeemed: Summer",
        "redeemed : Summer",
        "Redeemed · Summer",
        "Granted: 10 euros",
        "Opted out",
        "opted_out",
        "CONSENT_GIVEN",
        "Consent\u200b Given",
        "\uff34ier Gold",  # a full-width T
        "  Consent given.  ",
        "Unverified: Order Completed",
    ],
)
def test_a_name_of_ours_gets_its_source_in_front(name: str) -> None:
    assert is_own_name(name)
    assert name_from("pages", name) == f"pages: {name}"
    assert name_from("pages", name_from("pages", name)) == f"pages: {name}"


@pytest.mark.parametrize(
    "name",
    [
        *("", "Order Completed", "Product Viewed", "Page", "Clicked CTA", "Redeem"),
        *("Tiered Price Viewed", "Frontier", "Returned Visitor", "Left Page", "Consent", "Cookie Consent Given"),
    ],
)
def test_other_names_stay_as_they_are(name: str) -> None:
    assert name_from("pages", name) == name


def test_it_fits_where_names_are_kept() -> None:
    assert len(name_from("p" * 40, "tier " + "x" * 195)) == 200


def test_every_type_that_no_source_sends_is_a_name_of_ours() -> None:
    sent = {"track", "identify", "page", "screen", "group", "alias"}
    assert {kind for kind in EventType if not is_own_name(kind.value)} == sent
