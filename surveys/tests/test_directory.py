"""The directory from a file: idempotent, tried first, all or nothing."""

import datetime
import io
from typing import Any

import openpyxl
import pytest
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from incentives_site.accounts.models import User
from incentives_site.integrations.models import Scope
from incentives_site.integrations.tests.factories import partner_key
from incentives_site.shared.problems import Invalid
from surveys import operations
from surveys.models import Department, Employee, EmployeeImport, EmployeeImportPiece

pytestmark = pytest.mark.django_db


def row(key: str, **fields: Any) -> dict[str, Any]:
    return {"key": key, "name": key.capitalize(), "email": f"{key}@company.test", "department": "Company/Sales", **fields}


def bring_in(*rows: dict[str, Any], **options: Any) -> operations.BroughtIn:
    return operations.bring_in_employees(rows=rows, by="test", **options)


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


PAGE = "/surveys/directory/import/"
PEOPLE = "key;name;email;department\na;Ann;ann@company.test;Company/Sales\nb;Bob;bob@company.test;Company/IT\n"


def send(hr: Client, content: str | bytes, **fields: str) -> EmployeeImport:
    """Sent, and not yet in the hand of a worker: the request has looked at nothing."""
    body = content.encode() if isinstance(content, str) else content
    page = hr.post(PAGE, {"file": SimpleUploadedFile("people.csv", body), **fields}, follow=True)
    assert page.status_code == 200
    assert "The file is stored. Its rows are being read." in page.content.decode()
    assert "Refresh" in page.content.decode()
    row = EmployeeImport.objects.latest("pk")
    assert b"ann@company.test" not in b"".join(bytes(piece.body) for piece in row.pieces.all())
    return row


def work(hr: Client, row: EmployeeImport) -> str:
    """What the page says after a worker has had the file."""
    operations.import_employees(import_id=row.pk, clock=timezone.now)
    return " ".join(hr.get(f"{PAGE}{row.public_id}/").content.decode().split())


def change(hr: Client, row: EmployeeImport, does: str) -> int:
    return hr.post(f"{PAGE}{row.public_id}/change/", {"does": does}, follow=True).status_code


def figures(row: EmployeeImport) -> dict[str, int]:
    row.refresh_from_db()
    return dict(row.outcome)


def test_a_file_is_validated_and_then_imported(hr: Client) -> None:
    row = send(hr, PEOPLE, **{"try": "1"})
    assert "The file can be imported. Nothing has changed yet." in work(hr, row)
    assert figures(row) == {"new": 2, "changed": 0, "same": 0, "deactivated": 0, "departments": 3}
    assert not Employee.objects.exists()
    assert row.pieces.exists()
    assert change(hr, row, "run") == 200
    assert "The directory is up to date." in work(hr, row)
    assert not row.pieces.exists()
    page = hr.get("/surveys/directory/")
    assert "2 people can be asked" in page.content.decode()
    assert [(r["department"].name, r["own"], r["all"]) for r in page.context["rows"]] == [
        ("Company", 0, 2),
        ("IT", 1, 1),
        ("Sales", 1, 1),
    ]
    assert "people.csv" in hr.get(PAGE).content.decode()


def test_a_file_is_imported_at_once_and_the_same_again_changes_nothing(hr: Client) -> None:
    row = send(hr, PEOPLE, take="1")
    assert "The directory is up to date." in work(hr, row)
    assert Employee.objects.count() == 2
    work(hr, row)  # a task that comes twice
    assert figures(row)["new"] == 2
    again = send(hr, PEOPLE.replace("b;Bob;bob@company.test;Company/IT\n", ""), take="1", deactivates_missing="on")
    work(hr, again)
    assert figures(again) == {"new": 0, "changed": 0, "same": 1, "deactivated": 1, "departments": 0}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("key,name,email,department\na,Ann,ann@company.test,Sales\n\nb,Bob,ann@company.test,\n", "Line 4, email: The address"),
        ("key,name,email,department\na,Ann,ann@company.test\n", "Line 2: It has another number of cells"),
        ('key,name,email,department\na,"Ann,a@company.test,Sales\n', "Line 2: A quotation mark has no end."),
        ("name\nAnn\n", "Line 1, key: This column is missing."),
        ("key,name,email,department\n", "There are no rows below the column names."),
        (b"n\xe4me,key\n", "letters are not UTF-8"),
        (b"\n", "It is empty"),
        (b"\xd0\xcf\x11\xe0" + b"\x00" * 600, "old kind"),
    ],
)
def test_a_file_that_cannot_be_imported_says_why_and_changes_nothing(hr: Client, content: str | bytes, sentence: str) -> None:
    row = send(hr, content, take="1")
    page = work(hr, row)
    assert "Nothing was changed." in page
    assert sentence in page
    assert not Employee.objects.exists()
    assert not row.pieces.exists()


def test_an_excel_file_is_refused_with_what_to_do(hr: Client) -> None:
    file = io.BytesIO()
    book = openpyxl.Workbook()
    book.active.append(["key", "name", "email", "department"])
    book.save(file)
    assert "Save it as “CSV UTF-8”." in work(hr, send(hr, file.getvalue(), take="1"))


def test_a_worker_that_ends_in_the_middle_is_followed_by_the_next(hr: Client) -> None:
    row = send(hr, PEOPLE, take="1")

    class Killed(BaseException):
        pass

    def clock() -> datetime.datetime:
        """Asked when everything is read."""
        raise Killed

    with pytest.raises(Killed):
        operations.import_employees(import_id=row.pk, clock=clock)
    now = timezone.now()
    assert not Employee.objects.exists()
    assert operations.unfinished_employee_imports(now=now) == []
    assert operations.unfinished_employee_imports(now=now + datetime.timedelta(minutes=1)) == [row.pk]
    assert "The directory is up to date." in work(hr, row)


def test_a_cancelled_import_changes_nothing(hr: Client) -> None:
    row = send(hr, PEOPLE, take="1")
    assert change(hr, row, "cancel") == 200
    assert "Cancelled" in work(hr, row)
    assert not Employee.objects.exists()
    assert not EmployeeImportPiece.objects.exists()
    for does in ("run", "cancel"):
        assert change(hr, row, does) == 409
    assert change(hr, row, "nonsense") == 200


def test_what_is_left_is_deleted_after_a_day(hr: Client) -> None:
    row = send(hr, PEOPLE, **{"try": "1"})
    work(hr, row)
    refused = send(hr, "key,name,email,department\na,Ann,nobody,Sales\n", take="1")
    work(hr, refused)
    later = timezone.now() + datetime.timedelta(hours=23)
    assert operations.tidy_employee_imports(now=later) == 0
    assert operations.tidy_employee_imports(now=later + datetime.timedelta(hours=2)) == 2
    refused.refresh_from_db()
    assert refused.faults == []
    assert not EmployeeImportPiece.objects.exists()


def test_too_large_a_file_is_refused_unread(hr: Client) -> None:
    class Untouched(io.BytesIO):
        def read(self, *_size: int | None) -> bytes:
            raise AssertionError("The body was read.")

    refused = hr.generic(
        "POST",
        PAGE,
        b"x",
        content_type="multipart/form-data; boundary=x",
        CONTENT_LENGTH=str(31 * 1024 * 1024),
        **{"wsgi.input": Untouched()},  # type: ignore[arg-type]
    )
    assert refused.status_code == 413
    assert "A file here has at most 30 MB." in refused.content.decode()


def test_a_full_disk_is_said(hr: Client, full_disk: Any) -> None:
    hr.raise_request_exception = False
    with full_disk("surveys_employeeimportpiece"):
        answer = hr.post(PAGE, {"file": SimpleUploadedFile("people.csv", PEOPLE.encode()), "take": "1"})
    assert answer.status_code == 503
    assert "no room left" in answer.content.decode()
    assert not EmployeeImport.objects.exists()


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
