"""Segments as a marketer meets them: without JavaScript, and in a real browser."""

import re
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from campaigns.forms import audience_form
from campaigns.wording import audience_in_words
from customers import operations, queries
from customers.api.serializers import CustomerSerializer
from customers.models import Event, Purchase, PurchaseLine, Segment, SegmentMember
from customers.rules.conditions import AUDIENCE_FACTS, parse
from customers.tests.factories import ChannelFactory, CustomerFactory, IdentityFactory

from .test_frame import assert_sound, open_as

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def marketer() -> Any:
    user = get_user_model().objects.create_user("marketer@example.com", "x")
    user.groups.add(Group.objects.get_or_create(name="marketer")[0])
    return user


@pytest.fixture
def client(marketer: Any) -> Client:
    client = Client()
    client.force_login(marketer)
    return client


@pytest.fixture
def people() -> list[Any]:
    channel = ChannelFactory()
    found = [CustomerFactory(display_name=f"Person {n}", traits={"age": 10 + 5 * n, "city": "Bath"}) for n in range(4)]
    for n, customer in enumerate(found):
        for time in range(n):
            Event.objects.create(
                customer=customer,
                type="track",
                name="Looked",
                occurred_at=timezone.now(),
                received_at=timezone.now(),
                source="x",
                message_id=f"{n}-{time}",
                properties={"category": "shoes"},
            )
        row = Purchase.objects.create(
            customer=customer,
            source="x",
            order_key=str(n),
            channel=channel,
            placed_at=timezone.now(),
            currency="EUR",
            paid=n * 1000,
        )
        PurchaseLine.objects.create(purchase=row, position=0, sku="s", category="shoes", quantity=1, paid=n * 1000)
    return found


def rows(*given: dict[str, str], **more: str) -> dict[str, str]:
    typed = {"name": "Lookers", "rule-n": str(len(given)), "rule-quantifier": "all", **more}
    for n, row in enumerate(given):
        typed |= {f"rule-{n}-{name}": value for name, value in row.items()}
    return typed


LOOKED_TWICE = {
    "about": "event",
    "which": "Looked",
    "op": ">=",
    "value": "2",
    "days": "30",
    "property": "category",
    "is": "shoes",
}
RULES: list[tuple[dict[str, str], Any]] = [
    (
        LOOKED_TWICE,
        {
            "event": {
                "name": "Looked",
                "within_days": 30,
                "where": [{"property": "category", "op": "==", "value": "shoes"}],
            },
            "op": ">=",
            "value": 2,
        },
    ),
    (
        {"about": "event", "which": "type:redeemed", "op": "==", "value": "0"},
        {"event": {"type": "redeemed"}, "op": "==", "value": 0},
    ),
    (
        {"about": "paid", "op": ">=", "value": "10.50", "currency": "EUR", "days": "90", "categories": "shoes, socks"},
        {
            "purchases": {"measure": "paid", "currency": "EUR", "categories": ["shoes", "socks"], "within_days": 90},
            "op": ">=",
            "value": 1050,
        },
    ),
    ({"about": "bought", "op": "<", "value": "3"}, {"purchases": {"measure": "count"}, "op": "<", "value": 3}),
    ({"about": "customer.age", "op": ">=", "value": "18"}, {"fact": "customer.age", "op": ">=", "value": 18}),
    (
        {"about": "customer.age", "op": "between", "value": "18", "until": "20"},
        {"fact": "customer.age", "op": "between", "value": [18, 20]},
    ),
    (
        {"about": "customer.city", "op": "in", "value": "Bath, Wells"},
        {"fact": "customer.city", "op": "in", "value": ["Bath", "Wells"]},
    ),
    ({"about": "customer.city", "op": "unknown"}, {"fact": "customer.city", "op": "exists", "value": False}),
    (
        {"about": "consent.marketing", "which": "web", "op": "given"},
        {"fact": "consent.marketing.web", "op": "==", "value": "given"},
    ),
    ({"about": "consent.research", "op": "unknown"}, {"fact": "consent.research", "op": "exists", "value": False}),
    ({"about": "segment.friends", "op": "no"}, {"fact": "segment.friends", "op": "==", "value": False}),
    ({"about": "bucket.", "which": "autumn", "op": "<", "value": "12.5"}, {"fact": "bucket.autumn", "op": "<", "value": 12.5}),
]


def test_every_kind_of_row_is_saved_and_shown_again(client: Client, people: list[Any]) -> None:
    operations.define_segment(name="Friends", key="friends", kind="list", by="x", now=timezone.now())
    for n, (row, leaf) in enumerate(RULES):
        answer = client.post(reverse("customers:segment-new"), rows(row, key=f"k{n}"))
        assert answer.status_code == 302, (row, re.findall(r"invalid-feedback[^<]*<[^<]*", answer.content.decode()))
        made = Segment.objects.get(key=f"k{n}")
        assert made.rule == {"all": [leaf]}
        assert made.state == "good"
        shown = client.get(reverse("customers:segment-edit", args=[made.public_id])).content.decode()
        assert "set up through the API" not in shown
        again = {name: str(value) for name, value in row.items()}
        saved = client.post(reverse("customers:segment-edit", args=[made.public_id]), rows(again, version="1"))
        assert saved.status_code == 302
        made.refresh_from_db()
        assert (made.rule, made.version) == ({"all": [leaf]}, 1)
    page = client.get(reverse("customers:segments")).content.decode()
    assert page.count("up to date") == len(RULES) + 1
    detail = client.get(reverse("customers:segment", args=[Segment.objects.get(key="k0").public_id])).content.decode()
    assert "“Looked” at least 2 times, where category is “shoes”, in the last 30 days" in detail.replace("&quot;", '"')
    assert "Person 3" in detail


def test_the_tree_grows_and_shrinks_without_scripts(client: Client, people: list[Any]) -> None:
    address = reverse("customers:segment-new")
    page = client.post(address, rows(LOOKED_TWICE, **{"rule-do": "group:rule"})).content.decode()
    assert 'name="rule-1-1-about"' in page
    assert 'value="Looked"' in page
    assert 'value="Lookers"' in page
    page = client.post(address, rows(LOOKED_TWICE, {"about": "bought"}, **{"rule-do": "drop:rule-0"})).content.decode()
    assert 'value="Looked"' not in page.partition("<datalist")[0]
    for doing in ("drop:rule", "row:rule-9", "group:x", "drop:rule-0-0", "what", "row:rule-１"):
        assert client.post(address, rows(LOOKED_TWICE, **{"rule-do": doing})).status_code == 200


def test_what_is_typed_is_counted_and_what_is_wrong_is_said(client: Client, people: list[Any]) -> None:
    count = reverse("customers:segment-typed")
    page = client.post(count, rows(LOOKED_TWICE)).content.decode()
    assert "2 customers" in page
    assert "Person 3" in page
    assert "Without a condition: everybody." in client.post(count, rows()).content.decode()
    assert "A whole number from 0 is expected." in client.post(count, rows({**LOOKED_TWICE, "value": "two"})).content.decode()
    refused = client.post(reverse("customers:segment-new"), rows({**LOOKED_TWICE, "which": ""}))
    assert refused.status_code == 422
    assert "Say the name of the event." in refused.content.decode()
    assert client.post(reverse("customers:segment-new"), rows(LOOKED_TWICE, name="")).status_code == 422


def test_somebody_elses_change_is_not_overwritten(client: Client, people: list[Any]) -> None:
    made = operations.define_segment(name="A", rule=None, by="x", now=timezone.now())
    address = reverse("customers:segment-edit", args=[made.public_id])
    assert client.post(address, rows(LOOKED_TWICE, version="1")).status_code == 302
    refused = client.post(address, rows({"about": "bought", "op": "<", "value": "3"}, version="1"))
    assert refused.status_code == 422
    assert "Somebody has changed this segment meanwhile" in refused.content.decode()


def test_a_rule_that_rows_cannot_say_is_kept(client: Client) -> None:
    rule = {"event": {"name": "Looked", "channel": "web"}, "op": ">=", "value": 1}
    made = operations.define_segment(name="A", rule=rule, by="x", now=timezone.now())
    address = reverse("customers:segment-edit", args=[made.public_id])
    assert "set up through the API" in client.get(address).content.decode()
    assert client.post(address, {"name": "B", "version": "1"}).status_code == 302
    made.refresh_from_db()
    assert (made.name, made.rule) == ("B", rule)
    assert "set up through the API" not in client.get(address + "?replace=1").content.decode()


def test_a_list_is_filled_from_a_file_and_says_what_it_does_not_know(client: Client, people: list[Any]) -> None:
    IdentityFactory(customer=people[0], kind="email", value="ann@example.com")
    IdentityFactory(customer=people[1], kind="loyalty_card", value="CARD1")
    assert client.post(reverse("customers:segment-new-list"), {"name": "Friends"}).status_code == 302
    made = Segment.objects.get()
    address = reverse("customers:segment-names", args=[made.public_id])
    text = f"kind,value\nemail, Ann@Example.com\ncard 1\n{people[2].public_id}\nnobody@example.com\n\nfrog,x\n"
    page = client.post(address, {"way": "add", "file": SimpleUploadedFile("l.csv", text.encode())}).content.decode()
    assert "5 lines read: 3 customers came, 0 went, 2 lines name nobody known." in page
    assert '<li value="5"><code>nobody@example.com</code></li>' in page
    client.post(address, {"way": "replace", "typed": "ann@example.com"})
    assert set(SegmentMember.objects.values_list("customer_id", flat=True)) == {people[0].pk}
    people[0].refresh_from_db()
    assert people[0].facts["segments"] == ["friends"]
    for wrong in (
        {"way": "add"},
        {"way": "x", "typed": "a"},
        {"way": "add", "file": SimpleUploadedFile("l.csv", b"\xff\xfe\x00")},
    ):
        assert client.post(address, wrong).status_code == 422


def test_the_overlap_of_two_and_three(client: Client, people: list[Any]) -> None:
    now = timezone.now()
    for key, of in (("a", people[:3]), ("b", people[1:]), ("c", people[2:3])):
        one = operations.define_segment(name=key.upper(), key=key, kind="list", by="x", now=now)
        operations.change_list(segment=one, add=[customer.pk for customer in of], by="x", now=now)
    page = client.get(reverse("customers:segment-overlap"), {"a": "a", "b": "b"}).content.decode()
    assert 'aria-label="A: 1, B: 1, A + B: 2"' in page
    page = client.get(reverse("customers:segment-overlap"), {"a": "a", "b": "b", "c": "c"}).content.decode()
    assert 'aria-label="A: 1, B: 1, C: 0, A + B: 1, A + C: 0, B + C: 0, A + B + C: 1"' in page


def test_campaigns_and_partners_ask_for_a_segment(people: list[Any]) -> None:
    friends = operations.define_segment(name="Friends", kind="list", by="x", now=timezone.now())
    operations.change_list(segment=friends, add=[people[0].pk], by="x", now=timezone.now())
    typed = {"audience-n": "1", "audience-quantifier": "all", "audience-0-fact": "customer.segments"}
    form = audience_form(typed | {"audience-0-op": "has", "audience-0-value": "friends"}, currency="EUR")
    assert form.is_valid(), form.errors
    assert list(queries.matching(parse(form.condition, facts=AUDIENCE_FACTS))) == [people[0]]
    assert audience_in_words(form.condition, "EUR") == ["The list of segments includes “friends”."]
    people[0].refresh_from_db()
    assert CustomerSerializer(people[0]).data["segments"] == ["friends"]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 320)])
def test_the_pages_are_sound_in_a_browser(
    new_page: Any, live_server: Any, marketer: Any, people: list[Any], scheme: str, width: int
) -> None:
    now = timezone.now()
    leaf = RULES[0][1]
    made = operations.define_segment(name="Lookers", rule={"any": [leaf, RULES[2][1], {"none": [leaf]}]}, by="x", now=now)
    other = operations.define_segment(name="Friends", kind="list", by="x", now=now)
    operations.change_list(segment=other, add=[people[3].pk], by="x", now=now)
    page = new_page(width=width, color_scheme=scheme)
    open_as(page, marketer, live_server.url)
    for address in (
        reverse("customers:segments"),
        reverse("customers:segment", args=[made.public_id]),
        reverse("customers:segment", args=[other.public_id]),
        reverse("customers:segment-new-list"),
        reverse("customers:segment-overlap") + "?a=lookers&b=friends",
        reverse("customers:segment-edit", args=[made.public_id]),
    ):
        page.goto(live_server.url + address)
        assert_sound(page)
    page.goto(live_server.url + reverse("customers:segment-new"))
    page.get_by_label("About").select_option("event")
    page.get_by_label("Name of the event").fill("Looked")
    page.get_by_label("Times").fill("2")
    page.wait_for_selector("#segment-size >> text=2 customers")
    assert_sound(page)
