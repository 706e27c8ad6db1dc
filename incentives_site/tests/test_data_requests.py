"""What customers ask for about their data: asked by the right person, carried out by an operator, taken back until then."""

import datetime
import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from customers import operations, queries
from customers.models import Customer, DataRequest, Erasure, Event
from customers.tests.factories import CustomerFactory, IdentityFactory
from incentives_site.accounts.models import User
from incentives_site.accounts.roles import Role

from .test_journey import assert_sound, base, sign_in, somebody

__all__ = ["base"]

pytestmark = pytest.mark.django_db


def path_of(customer: Customer) -> str:
    return urlsplit(queries.preferences_url(customer)).path


def known() -> Customer:
    customer = CustomerFactory(display_name="Ann Example")
    IdentityFactory(customer=customer, kind="email", value="ann@example.com")
    IdentityFactory(customer=customer, kind="phone", value="+4917012345671")
    return customer


@pytest.fixture
def operator(client: Client) -> Client:
    user = User.objects.create_user("operator@example.com")
    user.groups.add(Group.objects.get(name="operator"))
    client.force_login(user)
    return client


def ask(customer: Customer, kind: str, typed: str, **options: Any) -> Any:
    return Client().post(path_of(customer), {"does": f"ask:{kind}", f"{kind}-typed": typed}, **options)


@pytest.mark.parametrize("typed", ["", "bob@example.com", "ann", "null", "+49 170 1234567", "x" * 400, "a\x00b"])
def test_who_only_has_the_link_asks_for_nothing(typed: str) -> None:
    customer = known()
    answer = ask(customer, "erasure", typed)
    assert answer.status_code == 422
    assert not DataRequest.objects.exists()
    assert '<details class="app-request" open>' in answer.content.decode()


@pytest.mark.parametrize("typed", [" ANN@example.com ", "+49 170 1234 5671"])
def test_who_is_known_by_what_is_typed_asks_once(typed: str) -> None:
    customer = known()
    for _time in range(2):
        page = ask(customer, "erasure", typed, follow=True)
        assert page.status_code == 200
        assert "you asked to be forgotten" in page.content.decode()
        assert "We have your request" in page.content.decode()
    row = DataRequest.objects.get()
    assert (row.kind, row.state, row.was_named, row.language) == ("erasure", "open", True, "en")
    assert row.due_on - row.asked_at.date() == datetime.timedelta(days=30)
    assert Event.objects.get(customer=customer).name == "Erasure Requested"
    assert Customer.objects.get(pk=customer.pk).erased_at is None, "nothing is carried out by asking"
    assert ask(customer, "export", typed, follow=True).status_code == 200
    assert DataRequest.objects.count() == 2


def test_it_is_taken_back_on_the_page() -> None:
    customer = known()
    ask(customer, "erasure", "ann@example.com")
    page = Client().post(path_of(customer), {"does": "take-back:erasure"}, follow=True).content.decode()
    assert "Your request is taken back" in page
    assert DataRequest.objects.get().state == "withdrawn"
    Client().post(path_of(customer), {"does": "take-back:erasure"})
    assert Event.objects.filter(name="Data Request Withdrawn").count() == 1
    assert "We have your request" not in Client().get(path_of(customer) + "?done=asked").content.decode()


def test_nonsense_is_no_request() -> None:
    customer = known()
    for does in ("ask:everything", "ask:", "take-back:x", "ask"):
        Client().post(path_of(customer), {"does": does})
    assert not DataRequest.objects.exists()


def test_somebody_known_by_a_cookie_alone_may_ask_and_the_operator_is_told(operator: Client) -> None:
    customer = IdentityFactory(kind="anonymous_id", value="cookie-1").customer
    page = Client().get(path_of(customer)).content.decode()
    assert "erasure-typed" not in page
    assert Client().post(path_of(customer), {"does": "ask:erasure"}).status_code == 302
    assert "make sure who it is" in operator.get("/customers/requests/").content.decode()


def test_an_operator_erases_and_the_request_goes_with_the_customer(operator: Client) -> None:
    customer = known()
    ask(customer, "erasure", "ann@example.com")
    assert "Requests about data" in operator.get("/customers/").content.decode()
    page = operator.get("/customers/requests/").content.decode()
    assert f"/customers/{customer.public_id}/data/" in page
    data = f"/customers/{customer.public_id}/data/"
    assert "asked on" in operator.get(data).content.decode()
    operator.post(data, {"does": "erase", "name": "Ann Example"})
    assert Erasure.objects.get().counts["data_requests"] == 1
    assert not DataRequest.objects.exists()
    assert "Nobody waits" in operator.get("/customers/requests/").content.decode()


def test_an_operator_hands_a_copy_over_or_refuses_with_a_reason(operator: Client) -> None:
    customer, other = known(), CustomerFactory(display_name="Bob")
    ask(customer, "export", "ann@example.com")
    Client().post(path_of(other), {"does": "ask:erasure"})
    copy, erasure = DataRequest.objects.order_by("pk")
    assert operator.post(f"/customers/requests/{copy.public_id}/", {"does": "done"}).status_code == 302
    assert operator.post(f"/customers/requests/{erasure.public_id}/", {"does": "done"}).status_code == 422
    assert Customer.objects.get(pk=other.pk).erased_at is None
    refused = operator.post(f"/customers/requests/{erasure.public_id}/", {"does": "refuse", "reason": " "})
    assert refused.status_code == 422
    operator.post(f"/customers/requests/{erasure.public_id}/", {"does": "refuse", "reason": "An invoice is open"})
    assert list(DataRequest.objects.order_by("pk").values_list("state", "reason")) == [
        ("done", ""),
        ("refused", "An invoice is open"),
    ]
    assert operator.post(f"/customers/requests/{copy.public_id}/", {"does": "done"}).status_code == 409
    assert operator.post(f"/customers/requests/{customer.public_id}/", {"does": "done"}).status_code == 404
    page = operator.get("/customers/requests/").content.decode()
    assert "An invoice is open" in page
    assert list(queries.open_data_requests(customer)) == []


def test_what_is_due_first_stands_on_top_and_what_is_late_is_said(operator: Client) -> None:
    late, early = known(), CustomerFactory(display_name="Bob")
    long_ago = timezone.now() - datetime.timedelta(days=40)
    Client().post(path_of(early), {"does": "ask:erasure"})
    ask(late, "export", "ann@example.com")
    DataRequest.objects.filter(customer=late).update(asked_at=long_ago, due_on=long_ago.date() + datetime.timedelta(days=30))
    page = operator.get("/customers/requests/").content.decode()
    assert page.index("Ann Example") < page.index("Bob")
    assert page.count("That day is over.") == 1


def test_a_request_follows_its_customer_and_is_handed_out() -> None:
    customer, other = known(), CustomerFactory()
    ask(customer, "erasure", "ann@example.com")
    Client().post(path_of(other), {"does": "ask:erasure"})
    operations.merge(one=customer, other=other, by="x", reason="same", now=timezone.now())
    assert DataRequest.objects.filter(customer=customer).count() == 2
    customer.refresh_from_db()  # links from before the merge have ended
    Client().post(path_of(customer), {"does": "take-back:erasure"})
    assert set(DataRequest.objects.values_list("state", flat=True)) == {"withdrawn"}
    text, _receipt = operations.export(customer=customer, by="x", now=timezone.now())
    assert [row["kind"] for row in json.loads(text)["data_requests"]] == ["erasure"] * 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 320)])
def test_the_pages_are_sound_without_scripts_and_by_keyboard(new_page: Any, base: str, scheme: str, width: int) -> None:
    customer = known()
    page = new_page(width=width, color_scheme=scheme)
    plain = new_page(width=width, color_scheme=scheme, java_script_enabled=False)
    plain.goto(queries.preferences_url(customer))
    plain.focus("details:has(button[value='ask:erasure']) summary")
    plain.keyboard.press("Enter")
    plain.fill("[name=erasure-typed]", "bob@example.com")
    plain.keyboard.press("Enter")
    plain.wait_for_selector(".is-invalid, .invalid-feedback")
    plain.errors.clear()  # a refusal is a 422, which the browser reports
    plain.fill("[name=erasure-typed]", "ann@example.com")
    plain.focus("button[value='ask:erasure']")
    plain.keyboard.press("Enter")
    plain.wait_for_selector("button[value='take-back:erasure']")
    page.goto(queries.preferences_url(customer))
    page.click("details:has(button[value='ask:export']) summary")
    assert_sound(page)
    staff = new_page(width=width, color_scheme=scheme)
    sign_in(staff, somebody(Role.OPERATOR), base)
    staff.goto(f"{base}/customers/requests/")
    staff.click("details summary:has-text('Refuse')")
    assert_sound(staff)
    staff.goto(f"{base}/customers/{customer.public_id}/data/")
    assert_sound(staff)
    operations.withdraw_data_request(customer=customer, kind=DataRequest.objects.get().kind, now=timezone.now())
    staff.goto(f"{base}/customers/requests/")
    assert_sound(staff)
