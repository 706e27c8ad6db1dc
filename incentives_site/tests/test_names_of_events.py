"""Names that the product gives its own events: all of them are known to the rule, and a page shows who says what."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from customers import operations, queries
from customers.models import Source
from customers.operations._data_requests import NAMES
from customers.rules.timeline import OWN_SOURCES, EventType, is_own_name
from customers.tests.factories import NOON, ChannelFactory, CustomerFactory
from incentives_site.accounts.models import User
from incentives_site.services.locations import PROJECT

# Where a name is put together or chosen, and what it can be.
CHOSEN = {
    "customers/operations/_data_requests.py": {
        *NAMES.values(),
        "Data Request Withdrawn",
        "Data Request Refused",
        "Data Request Carried Out",
    },
    "redemptions/operations/_refresh_tier.py": {"tier Gold", "no tier any more"},
}


def named_in(path: Path) -> Iterator[str]:
    """The names in calls that write an event of the type ``track``; those of ``CHOSEN`` where the name is no text."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        said = {keyword.arg: keyword.value for keyword in node.keywords}
        kind = said.get("type")
        if not (isinstance(kind, ast.Attribute) and kind.attr == "TRACK"):
            continue
        name = said["name"]
        if isinstance(name, ast.Call):  # gettext
            [name] = name.args
        if isinstance(name, ast.Constant):
            yield str(name.value)
        else:
            yield from CHOSEN[str(path.relative_to(PROJECT))]


def test_the_rule_knows_every_name_of_ours() -> None:
    paths = [path for app in OWN_SOURCES for path in (PROJECT / app / "operations").glob("*.py")]
    names = {name for path in paths for name in named_in(path)}
    names |= {"Consent Given", "Consent Withdrawn"}  # written in SQL
    assert len(names) > 8
    assert {name for name in names if not is_own_name(name)} == set()


@pytest.mark.django_db
def test_a_customers_page_shows_who_calls_an_event_like_one_of_ours() -> None:
    customer = CustomerFactory()
    Source.objects.create(trust="server", key="shop", name="Shop", channel=ChannelFactory(web=True))
    for number, (source, name) in enumerate(
        [("shop", "tier Gold"), ("shop", "Redeemed: Summer"), ("shop", "Product Viewed"), ("redemptions", "tier Silver")]
    ):
        operations.track(
            customer=customer, type=EventType.TRACK, source=source, message_id=str(number), occurred_at=NOON, received_at=NOON,
            name=name,
        )  # fmt: skip
    user = User.objects.create_user("mara@example.com")
    user.groups.add(Group.objects.get(name="marketer"))
    client = Client()
    client.force_login(user)
    page = client.get(f"/customers/{customer.public_id}/").content.decode()
    assert "shop: tier Gold" in page
    assert "shop: Redeemed: Summer" in page
    assert "shop: Product Viewed" not in page
    assert "Product Viewed" in page
    assert "redemptions: tier" not in page
    assert queries.timeline(customer).filter(name="tier Gold").exists()
