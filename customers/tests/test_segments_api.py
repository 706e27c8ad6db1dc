"""Segments over the partners' API."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers import operations, queries
from customers.models import Customer, Segment, SegmentMember
from customers.tests.factories import NOON, CustomerFactory, IdentityFactory
from incentives_site.integrations.tests.factories import PartnerClient, partner_key

pytestmark = pytest.mark.django_db
ADULTS = {"fact": "customer.age", "op": ">=", "value": 18}


@pytest.fixture
def client() -> PartnerClient:
    return PartnerClient(partner_key(scopes=["segments", "customers:read"])[1])


def adults() -> Segment:
    one = operations.define_segment(name="Adults", key="adults", rule=ADULTS, by="x", now=NOON)
    assert operations.count_segment(segment=one.pk, now=lambda: NOON).outcome == "good"
    return one


def friends() -> Segment:
    return operations.define_segment(name="Friends", key="friends", kind="list", by="x", now=NOON)


def test_segments_are_listed_with_their_sizes_in_few_queries(client: PartnerClient) -> None:
    CustomerFactory.create_batch(3, traits={"age": 20})
    one = adults()
    for n in range(5):
        operations.define_segment(name=f"s{n}", kind="list", by="x", now=NOON)
    operations.archive_segment(segment=Segment.objects.get(key="s4"), by="x", now=NOON)
    with CaptureQueriesContext(connection) as asked:
        page = client.get("segments", limit=4).json()
    assert len(asked) <= 4
    rest = client.get(page["next"].partition("/api/v1/")[2]).json()
    found = {item["key"]: item for item in [*page["results"], *rest["results"]]}
    assert sorted(found) == ["adults", "s0", "s1", "s2", "s3"]
    expected = {"id": str(one.public_id), "name": "Adults", "kind": "rule", "state": "good", "size": 3, "reason": ""}
    assert found["adults"].items() >= expected.items()
    assert found["adults"]["cost"] > 0
    assert found["adults"]["counted_at"] == "2026-11-21T12:00:00Z"
    assert found["s0"]["size"] == 0


def test_one_is_read_by_key_and_by_id_with_its_rule(client: PartnerClient) -> None:
    one = adults()
    by_key = client.get("segments/adults").json()
    assert by_key == client.get(f"segments/{one.public_id}").json()
    assert (by_key["rule"], by_key["version"]) == (ADULTS, 1)
    for name in ("nothing", "00000000-0000-0000-0000-000000000000", "a%00b"):
        answer = client.get(f"segments/{name}")
        assert (answer.status_code, answer.json()["code"]) == (404, "segment-unknown")


def test_members_come_page_by_page_each_once_while_others_come_and_go(client: PartnerClient) -> None:
    people = CustomerFactory.create_batch(7, traits={"age": 20})
    one = adults()
    seen, path = [], "segments/adults/members?limit=3"
    while path:
        with CaptureQueriesContext(connection) as asked:
            page = client.get(path).json()
        assert len(asked) <= 4
        seen += [item["id"] for item in page["results"]]
        if len(seen) == 3:
            SegmentMember.objects.filter(customer=people[0]).delete()
            new = CustomerFactory(traits={"age": 30})
            SegmentMember.objects.create(segment=one, customer=new, since=NOON)
        path = (page["next"] or "").partition("/api/v1/")[2]
    assert seen == [str(customer.public_id) for customer in [*people, new]]
    assert set(page["results"][0]) == {"id", "since"}


def test_the_segments_of_a_customer(client: PartnerClient) -> None:
    ann = CustomerFactory(traits={"age": 20})
    adults()
    operations.change_list(segment=friends(), add=[ann.pk], by="x", now=NOON)
    found = client.get(f"customers/{ann.public_id}/segments").json()["results"]
    assert [(item["key"], item["name"], item["since"]) for item in found] == [
        ("adults", "Adults", "2026-11-21T12:00:00Z"),
        ("friends", "Friends", "2026-11-21T12:00:00Z"),
    ]
    assert client.get(f"customers/{CustomerFactory().public_id}/segments").json()["results"] == []
    assert client.get("customers/nobody/segments").status_code == 404


def named(*customers: Customer) -> list[dict[str, Any]]:
    return [{"id": str(customer.public_id)} for customer in customers]


def inside(one: Segment) -> set[int]:
    return set(SegmentMember.objects.filter(segment=one).values_list("customer_id", flat=True))


def test_a_list_is_kept_from_outside(client: PartnerClient) -> None:
    one, ann, bob = friends(), CustomerFactory(), CustomerFactory()
    eve = IdentityFactory(kind="email", value="eve@example.com").customer
    unknown = {"identity": {"kind": "email", "value": "nobody@example.com"}}
    by_mail = {"identity": {"kind": "email", "value": " EVE@example.com"}}
    body = {"way": "add", "customers": [*named(ann, ann), unknown, by_mail, {"id": "nonsense"}]}
    answer = client.post("segments/friends/members", body, key="k")
    assert answer.status_code == 200, answer.content
    assert answer.json() == {"came": 2, "went": 0, "size": 2, "unknown": [2, 4], "unknown_count": 2}
    assert inside(one) == {ann.pk, eve.pk}
    again = client.post("segments/friends/members", body, key="k")
    assert (again.json(), again["Idempotent-Replayed"]) == (answer.json(), "true")
    changed = client.post("segments/friends/members", {"way": "replace", "customers": named(bob, eve)}).json()
    assert (changed["came"], changed["went"], inside(one)) == (1, 1, {bob.pk, eve.pk})
    gone = client.post(f"segments/{one.public_id}/members", {"way": "take_out", "customers": named(bob, ann)}).json()
    assert (gone["came"], gone["went"], gone["size"]) == (0, 1, 1)
    eve.refresh_from_db()
    assert queries.segments_of(eve) == ["friends"]
    assert client.post("segments/friends/members", {"way": "replace", "customers": []}).json()["size"] == 0


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"way": "add", "customers": [{}]}, "#/customers/0"),
        ({"way": "add", "customers": [{"id": "x"}, {"id": 1}]}, "#/customers/1"),
        ({"way": "add", "customers": [{"identity": {"kind": "email"}}]}, "#/customers/0"),
        ({"way": "add", "customers": [{"id": "x", "identity": {"kind": "email", "value": "a@b.cd"}}]}, "#/customers/0"),
        ({"way": "add", "customers": [{"id": "x"}] * 10_001}, "#/customers"),
        ({"way": "add"}, "#/customers"),
        ({"way": "burn", "customers": []}, "#/way"),
        ({"way": "add", "customers": [], "sausages": 1}, "#/sausages"),
    ],
)
def test_what_cannot_be_is_refused(client: PartnerClient, body: dict[str, Any], pointer: str) -> None:
    friends()
    answer = client.post("segments/friends/members", body)
    assert answer.status_code == 422, answer.content
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_ten_thousand_at_once_take_few_queries(client: PartnerClient) -> None:
    one = friends()
    Customer.objects.bulk_create(Customer(display_name=str(n)) for n in range(10_000))
    body = {"way": "add", "customers": [{"id": str(one)} for one in Customer.objects.values_list("public_id", flat=True)]}
    with CaptureQueriesContext(connection) as asked:
        answer = client.post("segments/friends/members", body)
    assert answer.json()["came"] == 10_000
    assert len(asked) < 40
    assert SegmentMember.objects.filter(segment=one).count() == 10_000


def test_who_is_in_a_rule_is_not_for_partners_to_say(client: PartnerClient) -> None:
    adults()
    answer = client.post("segments/adults/members", {"way": "add", "customers": named(CustomerFactory())})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "not-a-list")


def test_the_scope_is_needed() -> None:
    friends()
    other = PartnerClient(partner_key(scopes=["customers:read", "customers:write"])[1])
    for answer in (
        other.get("segments"),
        other.get("segments/friends"),
        other.get("segments/friends/members"),
        other.post("segments/friends/members", {"way": "add", "customers": []}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "missing-scope")
