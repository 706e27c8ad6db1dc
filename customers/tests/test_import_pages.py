"""Customers in and out as files, over the pages."""

import io
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from customers import operations
from customers.models import Customer, CustomerImport, ListExport, Segment, SegmentMember
from customers.tests.factories import CustomerFactory, IdentityFactory
from incentives_site.accounts.models import User

pytestmark = pytest.mark.django_db

PAGE = "/customers/import/"
PEOPLE = "E-mail;Name;City;Agreed\nann@shop.test;Ann;Rome;yes\nnobody;Bob;;no\n"


@pytest.fixture
def marketer(client: Client) -> Client:
    user = User.objects.create_user("mara@example.com", first_name="Mara", last_name="Lind")
    user.groups.add(Group.objects.get(name="marketer"))
    client.force_login(user)
    return client


def send(client: Client, text: str | bytes = PEOPLE, name: str = "people.csv") -> Any:
    body = text.encode() if isinstance(text, str) else text
    answer = client.post(PAGE, {"file": SimpleUploadedFile(name, body)}, follow=True)
    row = CustomerImport.objects.latest("pk")
    assert row.state == "reading"
    assert "Its columns are being read." in answer.content.decode()
    operations.work_import(import_id=row.pk, clock=timezone.now)
    return client.get(reverse("customers:import", args=[row.public_id]))


def change(client: Client, **fields: str) -> Any:
    row = CustomerImport.objects.latest("pk")
    answer = client.post(reverse("customers:change-import", args=[row.public_id]), fields, follow=True)
    operations.work_import(import_id=row.pk, clock=timezone.now)
    return answer


def shown(client: Client) -> str:
    row = CustomerImport.objects.latest("pk")
    return " ".join(client.get(reverse("customers:import", args=[row.public_id])).content.decode().split())


MEANT = {"column-0": "identity:email", "column-1": "name", "column-2": "trait:city", "column-3": "consent:"}


def test_a_file_is_sent_named_checked_and_brought_in(marketer: Client) -> None:
    page = send(marketer).content.decode()
    assert "ann@shop.test" in page
    assert '<option value="identity:email" selected>' in page
    refused = change(marketer, does="check", **MEANT)
    assert refused.status_code == 422
    assert "Say what the customers have agreed to" in refused.content.decode()
    assert change(marketer, does="check", **MEANT | {"column-0": ""}).status_code == 422
    change(marketer, does="check", wording="Fair 2026", **MEANT)
    page = shown(marketer)
    assert "were tried out. Nothing is written yet." in page
    assert "The e-mail address is none." in page
    assert not Customer.objects.exists()
    change(marketer, does="run")
    assert not Customer.objects.filter(display_name="Bob").exists()
    ann = Customer.objects.get(display_name="Ann")
    assert ann.consents.get().wording == "Fair 2026"
    assert "ann@shop.test" not in shown(marketer)
    assert "Mara Lind" in marketer.get(PAGE).content.decode()
    report = marketer.get(reverse("customers:import-report", args=[CustomerImport.objects.get().public_id]))
    text = b"".join(report).decode()  # type: ignore[arg-type]
    assert text.splitlines()[1:] == ["2,new,", "3,refused,The e-mail address is none."]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("Größe\nä\n".encode("latin-1"), "CSV UTF-8"),
        (b"\n\n", "empty"),
        (b"\xd0\xcf\x11\xe0" + b"\x00" * 600, "old kind"),
        (b"PK\x03\x04no", "is broken"),
    ],
)
def test_a_file_that_is_no_table_says_so_in_words(marketer: Client, body: bytes, sentence: str) -> None:
    assert sentence in send(marketer, body).content.decode()
    assert CustomerImport.objects.get().state == "failed"


def test_nonsense_changes_nothing(marketer: Client) -> None:
    send(marketer)
    for fields in ({}, {"does": "nonsense"}, {"does": "check", **MEANT, "column-1": "evil"}):
        assert change(marketer, **fields).status_code in {200, 422}
    assert change(marketer, does="run").status_code == 409
    change(marketer, does="cancel")
    assert change(marketer, does="cancel").status_code == 409
    assert CustomerImport.objects.get().state == "cancelled"
    assert marketer.get("/customers/import/00000000-0000-0000-0000-000000000000/").status_code == 404


def test_a_list_is_taken_out_and_that_is_written_down(marketer: Client, django_assert_max_num_queries: Any) -> None:
    ann = CustomerFactory(display_name="=cmd|evil", facts={"orders": 3, "stage": "new"})
    IdentityFactory(customer=ann, kind="email", value="ann@shop.test")
    IdentityFactory(customer=ann, kind="phone", value="+39061234567")
    CustomerFactory.create_batch(30)
    with django_assert_max_num_queries(12):
        answer = marketer.post("/customers/export/", {"q": "ann@shop"})
        rows = b"".join(answer).decode().splitlines()  # type: ignore[arg-type]
    assert len(rows) == 2
    assert rows[0].startswith("\ufeffid,name,language,email")
    assert ",'=cmd|evil,,ann@shop.test,+39061234567,,,no," in rows[1]
    written = ListExport.objects.get()
    assert (written.count, written.about) == (1, "search “ann@shop”")
    assert written.by == f"user:{User.objects.get().pk}"
    everybody = b"".join(marketer.post("/customers/export/", {})).decode()  # type: ignore[arg-type]
    assert len(everybody.splitlines()) == 32


def test_a_segment_is_taken_out(marketer: Client) -> None:
    segment = Segment.objects.create(
        key="regulars", name="Regulars", kind="list", created_at=timezone.now(), changed_at=timezone.now()
    )
    SegmentMember.objects.create(segment=segment, customer=CustomerFactory(display_name="In it"), since=timezone.now())
    CustomerFactory(display_name="Outside")
    text = b"".join(marketer.post("/customers/export/", {"segment": str(segment.public_id)})).decode()  # type: ignore[arg-type]
    assert "In it" in text
    assert "Outside" not in text
    assert ListExport.objects.get().about == "segment regulars"
    assert marketer.post("/customers/export/", {"segment": "nothing"}).status_code == 404
    page = marketer.get(f"/customers/segments/{segment.public_id}/").content.decode()
    assert "Take out" in page
    assert f'name="segment" value="{segment.public_id}"' in page


def test_what_was_taken_out_can_be_brought_in_again(marketer: Client) -> None:
    ann = CustomerFactory(display_name="Ann")
    IdentityFactory(customer=ann, kind="email", value="ann@shop.test")
    text = b"".join(marketer.post("/customers/export/", {}))  # type: ignore[arg-type]
    row = operations.begin_import(file=io.BytesIO(text), name="again.csv", size=len(text), by="x", now=timezone.now())
    operations.work_import(import_id=row.pk, clock=timezone.now)
    row.refresh_from_db()
    assert row.meanings[1:6] == ["name", "language", "identity:email", "identity:phone", "identity:loyalty_card"]
