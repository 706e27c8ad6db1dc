"""The directory from a file: idempotent, tried first, all or nothing."""

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from customers.tests.factories import NOON
from incentives_site.accounts.models import User
from incentives_site.integrations.models import Scope
from incentives_site.integrations.tests.factories import partner_key
from incentives_site.shared.problems import Invalid
from surveys import operations
from surveys.models import Department, Employee

pytestmark = pytest.mark.django_db


def row(key: str, **fields: Any) -> dict[str, Any]:
    return {"key": key, "name": key.capitalize(), "email": f"{key}@company.test", "department": "Company/Sales", **fields}


def bring_in(*rows: dict[str, Any], **options: Any) -> operations.BroughtIn:
    return operations.bring_in_employees(rows=rows, by="test", now=NOON, **options)


def refused(*rows: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as caught:
        bring_in(*rows)
    return [(error.pointer, error.code) for error in caught.value.errors]


def test_the_same_again_changes_nothing() -> None:
    rows = [row("ann", started_on="2020-02-29", language="DE"), row("bob", manager="ann", department="Company / Sales / North")]
    assert bring_in(*rows) == operations.BroughtIn(2, 0, 0, 0, 3)
    assert bring_in(*rows) == operations.BroughtIn(0, 0, 2, 0, 0)
    bob = Employee.objects.get(key="bob")
    assert bob.manager is not None
    assert (bob.manager.key, bob.department.path) == ("ann", ["company", "company-sales", "company-sales-north"])
    assert Employee.objects.get(key="ann").language == "de"


def test_a_dry_run_says_what_would_be_and_changes_nothing() -> None:
    assert bring_in(row("ann"), is_dry_run=True).new == 1
    assert not Employee.objects.exists()
    assert not Department.objects.exists()


def test_whoever_is_missing_is_deactivated_only_if_asked() -> None:
    bring_in(row("ann"), row("bob"))
    assert bring_in(row("ann")).deactivated == 0
    assert bring_in(row("ann"), deactivates_missing=True).deactivated == 1
    assert not Employee.objects.get(key="bob").is_active
    assert bring_in(row("bob")).changed == 1
    assert Employee.objects.get(key="bob").is_active


def test_circles_of_managers_and_addresses_that_stand_twice_are_refused() -> None:
    assert refused(row("ann", manager="bob"), row("bob", manager="cid"), row("cid", manager="ann")) == [("/0/manager", "circle")]
    assert refused(row("ann"), row("bob", email="ANN@company.test")) == [("/1/email", "repeated-address")]
    assert refused(row("ann"), row("ann", email="x@company.test")) == [("/1/key", "repeated-key")]
    assert refused(row("ann", manager="ann")) == [("/0/manager", "own-manager")]
    assert refused(row("ann", manager="who")) == [("/0/manager", "unknown-manager")]
    assert refused(row("ann", email="who", started_on="soon", language="xx")) == [
        ("/0/email", "not-an-address"),
        ("/0/language", "unknown-language"),
        ("/0/started_on", "not-a-date"),
    ]
    assert not Employee.objects.exists()


def test_a_circle_through_who_is_known_already_is_refused() -> None:
    bring_in(row("ann"), row("bob", manager="ann"))
    assert refused(row("ann", manager="bob")) == [("/0/manager", "circle")]
    assert refused(row("cid", email="bob@company.test")) == [("/0/email", "address-taken")]


def test_two_may_swap_their_addresses() -> None:
    bring_in(row("ann"), row("bob"))
    assert bring_in(row("ann", email="bob@company.test"), row("bob", email="ann@company.test")).changed == 2
    assert Employee.objects.get(key="ann").email == "bob@company.test"


@pytest.fixture
def hr() -> Client:
    user = User.objects.create_user("hr@example.com")
    user.groups.add(Group.objects.get(name="hr"))
    client = Client()
    client.force_login(user)
    return client


def file(text: str) -> SimpleUploadedFile:
    return SimpleUploadedFile("people.csv", text.encode())


def test_a_file_is_tried_and_then_taken(hr: Client) -> None:
    text = "key;name;email;department\na;Ann;ann@company.test;Company/Sales\nb;Bob;bob@company.test;Company/IT\n"
    page = hr.post("/surveys/directory/import/", {"file": file(text), "try": "1"})
    assert "2 new" in page.content.decode()
    assert not Employee.objects.exists()
    page = hr.post("/surveys/directory/import/", {"file": file(text), "take": "1"}, follow=True)
    assert "2 people can be asked" in page.content.decode()
    assert [(r["department"].name, r["own"], r["all"]) for r in page.context["rows"]] == [
        ("Company", 0, 2),
        ("IT", 1, 1),
        ("Sales", 1, 1),
    ]


def test_a_file_that_cannot_be_is_refused_line_by_line(hr: Client) -> None:
    text = "key,name,email,department\na,Ann,ann@company.test,Sales\nb,Bob,ann@company.test,\n"
    page = hr.post("/surveys/directory/import/", {"file": file(text), "take": "1"})
    assert page.status_code == 422
    assert "Line 3, email" in page.content.decode()
    assert hr.post("/surveys/directory/import/", {"file": file("name\nAnn\n"), "take": "1"}).status_code == 422
    assert hr.post("/surveys/directory/import/", {"file": SimpleUploadedFile("x", b"\xff\xfe\x00")}).status_code == 422
    assert not Employee.objects.exists()


def test_another_system_brings_it_up_to_date_over_the_api() -> None:
    _row, key = partner_key(scopes=[Scope.EMPLOYEES])
    client = Client(headers={"Authorization": f"Api-Key {key}"})

    def put(**body: Any) -> Any:
        return client.put("/api/v1/employees", body, content_type="application/json")

    people = [row("ann", location="Rome"), row("bob", manager="ann", department="Company/IT")]
    assert put(employees=people, is_dry_run=True).json()["new"] == 2
    assert not Employee.objects.exists()
    assert put(employees=people).json() == {"new": 2, "changed": 0, "same": 0, "deactivated": 0, "departments": 3}
    assert put(employees=people).json()["same"] == 2
    listed = client.get("/api/v1/employees").json()["results"]
    assert [(item["key"], item["department"], item["manager"]) for item in listed] == [
        ("bob", "Company/IT", "ann"),
        ("ann", "Company/Sales", ""),
    ]
    refused = put(employees=[row("ann", manager="bob")])
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "circle")
    _row, other = partner_key(scopes=[Scope.EVENTS])
    assert Client(headers={"Authorization": f"Api-Key {other}"}).get("/api/v1/employees").status_code == 403
