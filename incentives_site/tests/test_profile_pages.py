"""Pages about profiles in a real browser: identity, live events, the customer, imports; both themes, narrow screens, keyboard."""

import datetime as dt
import io
import json
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.utils import timezone
from playwright.sync_api import expect

from customers import operations, queries
from customers.models import Customer, CustomerImport, Source
from customers.rules.timeline import EventType
from customers.tests.factories import ChannelFactory

from .test_frame import assert_sound, open_as

pytestmark = pytest.mark.django_db(transaction=True)

SIZES = [("light", 1280), ("dark", 1280), ("light", 390), ("dark", 320)]


@pytest.fixture
def operator() -> Any:
    user = get_user_model().objects.create_user("ada@example.com", "x", first_name="Ada", last_name="Lovelace")
    user.groups.add(*(Group.objects.get_or_create(name=name)[0] for name in ("operator", "marketer")))
    return user


@pytest.fixture
def source() -> Source:
    return Source.objects.create(
        trust="server", key="shop", name="Web shop", channel=ChannelFactory(web=True), write_key="w" * 32
    )


def send(source: Source, *events: dict[str, Any]) -> None:
    now = timezone.now()
    for event in events:
        operations.take(source=source, kind="", body=json.dumps({"batch": [event]}).encode(), now=now)
        operations.process_events(now=now)


def said(user: str, **more: Any) -> dict[str, Any]:
    traits = {"name": f"{user.capitalize()} Example", "city": "Rome", **more}
    return {"type": "identify", "userId": user, "traits": traits}


@pytest.fixture
def ann(source: Source) -> Customer:
    """Known in several ways, joined once by an event and once by hand, with a namesake and somebody kept out."""
    send(source, {"type": "page", "name": "Home", "anonymousId": "c1"}, said("ann", email="ann@shop.test"))
    send(source, {**said("ann"), "anonymousId": "c1"}, said("bob", email="ann@shop.test"))
    send(source, said("old", phone="+39061234567"), {"type": "identify", "anonymousId": "c7", "traits": said("ann")["traits"]})
    send(source, {"type": "nonsense", "userId": "ann"})
    one, other = queries.by_identity("user_id", "ann"), queries.by_identity("user_id", "old")
    merge = operations.merge(one=one, other=other, by="system", reason="The same passport", now=timezone.now())
    for n in range(3):
        at = (timezone.now() - dt.timedelta(days=40 * n)).isoformat()
        lines = [{"product_id": "1", "name": "Trail shoes", "category": "Shoes", "quantity": 1, "price": 50}]
        order = {"order_id": f"o{n}", "total": 50, "currency": "USD", "products": lines}
        send(source, {"type": "track", "event": "Order Completed", "userId": "ann", "timestamp": at, "properties": order})
    return merge.survivor


def brought_in(heads: str, *, checked: bool = False) -> str:
    """A file that is sent, and tried out."""
    now, text = timezone.now(), heads + "\n" + "1234,Ann Example\n" * 3 + "1,2,3,4,5\n"
    file = io.BytesIO(text.encode())
    row = operations.begin_import(file=file, name="customers-of-last-year.csv", size=len(text), by="user:1", now=now)
    operations.work_import(import_id=row.pk, clock=timezone.now)
    row.refresh_from_db()
    if checked:
        operations.order_check(row=row, meanings=row.meanings, wording="", now=now)
        operations.work_import(import_id=row.pk, clock=timezone.now)
    return str(row.public_id)


@pytest.mark.parametrize(("scheme", "width"), SIZES)
def test_the_pages_are_sound(new_page: Any, live_server: Any, operator: Any, ann: Customer, scheme: str, width: int) -> None:
    page = new_page(width=width, color_scheme=scheme)
    open_as(page, operator, live_server.url)
    namesake, bob = queries.by_identity("anonymous_id", "c7"), queries.by_identity("user_id", "bob")
    here = f"/customers/{ann.public_id}/"
    paths = [here, f"{here}?name=nothing-like-it", f"{here}identity/", f"{here}identity/?with={namesake.public_id}",
             f"{here}identity/?with={bob.public_id}&q=Bob",
             f"/customers/{bob.public_id}/identity/", "/customers/events/", "/customers/events/?who=nobody",
             "/customers/import/", f"/customers/import/{brought_in('E-mail,Name,Agreed')}/",
             f"/customers/import/{brought_in('Card,Name', checked=True)}/"]  # fmt: skip
    for path in paths:
        page.goto(live_server.url + path)
        page.evaluate("document.querySelectorAll('main details').forEach(part => { part.open = true })")
        assert_sound(page)


def test_two_are_joined_and_taken_apart_with_the_keyboard(page: Any, live_server: Any, operator: Any, ann: Customer) -> None:
    open_as(page, operator, live_server.url)
    page.goto(f"{live_server.url}/customers/{ann.public_id}/identity/")
    page.get_by_role("link", name="Compare with Ann Example").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#comparison")
    page.get_by_label("Why these are the same person").focus()
    page.keyboard.type("She said so")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=They are one customer now")
    page.locator("li", has_text="She said so").locator("summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("Her sister")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=is a customer of its own again")
    expect(page.locator("main")).to_contain_text("Her sister")


def test_an_event_appears_while_one_looks_and_what_is_open_stays_open(
    page: Any, live_server: Any, operator: Any, ann: Customer, source: Source
) -> None:
    open_as(page, operator, live_server.url)
    page.goto(live_server.url + "/customers/events/")
    page.locator("#live-events summary").first.click()
    opened = page.locator("#live-events details[open]").inner_text()
    send(source, {"type": "track", "event": "Bell rung", "userId": "ann"})
    page.wait_for_selector("#live-events >> text=Bell rung", timeout=8_000)
    expect(page.locator("#live-events details[open]")).to_have_text(opened)
    expect(page.locator("#status")).to_have_text("1 new event")
    send(source, {"type": "track", "event": "Second bell", "userId": "ann"})
    page.wait_for_selector("#live-events >> text=Second bell", timeout=8_000)
    assert_sound(page)


def test_the_timeline_is_filtered_while_typing_and_goes_on_by_itself(
    page: Any, live_server: Any, operator: Any, ann: Customer, source: Source
) -> None:
    now = timezone.now()
    for n in range(60):
        at = now - dt.timedelta(minutes=n + 1)
        fields: dict[str, Any] = {"source": "t", "message_id": str(n), "name": f"Bell {n}"}
        operations.track(customer=ann, type=EventType.TRACK, occurred_at=at, received_at=at, **fields)
    open_as(page, operator, live_server.url)
    page.goto(f"{live_server.url}/customers/{ann.public_id}/")
    lines = page.locator("#timeline .app-timeline-event")
    assert lines.count() == 25
    page.locator(".app-timeline-more").scroll_into_view_if_needed()
    expect(lines).to_have_count(50)
    page.locator(".app-timeline-more").scroll_into_view_if_needed()
    expect(page.locator(".app-timeline-more")).to_have_count(0)
    assert lines.count() > 60
    page.fill("#timeline-name", "Bell 7")
    expect(lines).to_have_count(1)
    page.fill("#timeline-name", "")
    page.select_option("#timeline-type", "merged")
    expect(lines).to_have_count(2)
    assert_sound(page)


def test_a_file_is_brought_in_without_scripts(new_page: Any, live_server: Any, operator: Any) -> None:
    page = new_page(java_script_enabled=False)
    open_as(page, operator, live_server.url)
    page.goto(live_server.url + "/customers/import/")
    page.set_input_files(
        "[name=file]", {"name": "p.csv", "mimeType": "text/csv", "buffer": b"E-mail,Name\na@x.test,Ann\n?,Bob\n"}
    )
    page.click("text=Send")
    page.click("text=Try every line")
    for wanted in ("Bring them in", "Report, line by line"):
        row = CustomerImport.objects.get()
        operations.work_import(import_id=row.pk, clock=timezone.now)
        page.goto(f"{live_server.url}/customers/import/{row.public_id}/")
        expect(page.locator(f"text={wanted}")).to_have_count(1)
        if wanted == "Bring them in":
            page.click(f"text={wanted}")
    assert Customer.objects.get().display_name == "Ann"
    with page.expect_download() as download:
        page.click("text=Report, line by line")
    assert "The e-mail address is none." in download.value.path().read_text()


def test_the_pages_work_without_scripts(new_page: Any, live_server: Any, operator: Any, ann: Customer) -> None:
    page = new_page(java_script_enabled=False)
    open_as(page, operator, live_server.url)
    page.goto(live_server.url + "/customers/events/?paused=1")
    page.fill("[name=name]", "Order")
    page.click("text=Show")
    expect(page.locator("#live-events li")).to_have_count(1)
    page.click("text=Send again")
    page.wait_for_selector("text=It is judged anew")
