"""What sources send over HTTP, and what becomes of it."""

import base64
import datetime as dt
import gzip
import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from customers import operations
from customers.api import ingestion
from customers.models import Customer, Event, Intake, Purchase, Rejection, Source
from customers.rules.protocol import Refusal, instant, occurred, write_traits
from customers.tests.factories import NOON, ChannelFactory
from customers.tests.rules.test_resolution import CASES

pytestmark = pytest.mark.django_db


@pytest.fixture
def source() -> Source:
    ingestion._sources.clear()
    ingestion._backlog[:] = [0.0, False]
    return Source.objects.create(trust="server", key="shop", name="Shop", channel=ChannelFactory(web=True), write_key="w" * 32)


def post(body: Any, *, path: str = "/v1/batch", key: str = "w" * 32, packed: bool = False, **headers: str) -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    if packed:
        data, headers = gzip.compress(data), {"HTTP_CONTENT_ENCODING": "gzip", **headers}
    if key:
        headers.setdefault("HTTP_AUTHORIZATION", "Basic " + base64.b64encode(f"{key}:".encode()).decode())
    return Client().post(path, data, content_type="application/json", **headers)  # type: ignore[arg-type]


def work(now: dt.datetime = NOON) -> Any:
    total = operations.process_events(now=now)
    assert total is not None
    return total


def track(message: str = "m1", **fields: Any) -> dict[str, Any]:
    return {"type": "track", "event": "Looked", "messageId": message, "userId": "ann", **fields}


def reasons() -> list[str]:
    return list(Rejection.objects.order_by("pk").values_list("reason", flat=True))


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/batch/", "/v1/b", "/beacon/v1/batch", "/beacon/v1/batch/"])
def test_a_batch_is_taken_exactly(source: Source, path: str) -> None:
    response = post({"batch": [track()]}, path=path)
    assert (response.status_code, response.content) == (200, b'{"success": true}')
    assert work().events == 1
    event = Event.objects.get()
    assert (event.name, event.source, event.channel, event.message_id) == ("Looked", "shop", source.channel, "m1")


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("/v1/track", {"event": "Looked"}, ("track", "Looked")),
        ("/v1/t/", {"event": "Looked"}, ("track", "Looked")),
        ("/v1/page", {"name": "Home", "category": "Shop"}, ("page", "Shop · Home")),
        ("/v1/s", {"name": "Basket"}, ("screen", "Basket")),
        ("/v1/identify", {"traits": {"name": "Ann"}}, ("identify", "")),
        ("/v1/group", {"groupId": 7}, ("group", "")),
        ("/v1/a", {"previousId": "cookie"}, ("alias", "")),
    ],
)
def test_each_route_takes_one_event(source: Source, path: str, body: dict[str, Any], expected: tuple[str, str]) -> None:
    assert post({"userId": "ann", **body}, path=path).status_code == 200
    work()
    event = Event.objects.get()
    assert (event.type, event.name) == expected


@pytest.mark.parametrize(
    "given",
    [
        {"HTTP_AUTHORIZATION": "Basic " + base64.b64encode(b"w" * 32).decode()},  # no colon
        {"HTTP_AUTHORIZATION": "basic " + base64.b64encode(b"w" * 32 + b":x").decode()},
        {"path": "/v1/batch?writeKey=" + "w" * 32},
        {"body": {"batch": [track()], "writeKey": "w" * 32}},
    ],
)
def test_a_public_write_key_comes_in_several_ways(source: Source, given: dict[str, Any]) -> None:
    Source.objects.update(trust="browser")
    response = post(given.pop("body", {"batch": [track()]}), key="", **given)
    assert response.status_code == 200


@pytest.mark.parametrize("key", ["", "x" * 32, "w" * 31, "w\x00"])
def test_without_a_known_write_key_nothing_is_taken(source: Source, key: str) -> None:
    response = post({"batch": [track()]}, key=key)
    assert (response.status_code, response.json()["code"]) == (401, "unknown-write-key")
    assert "message" in response.json()
    assert not Intake.objects.exists()


def test_a_source_that_was_switched_off_is_unknown(source: Source) -> None:
    Source.objects.update(is_active=False)
    assert post({"batch": [track()]}).status_code == 401


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"batch": {}}', b'"x"', b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_batch_is_refused(source: Source, body: bytes) -> None:
    response = post(body)
    assert (response.status_code, response.json()["code"]) == (400, "not-json")


def test_gzip_is_unpacked_whatever_it_is_called(source: Source) -> None:
    assert post({"batch": [track()]}, packed=True, CONTENT_TYPE="application/x-www-form-urlencoded").status_code == 200
    assert work().events == 1


def test_a_bomb_is_not_unpacked(source: Source) -> None:
    response = post(b" " * (64 * 1024 * 1024), packed=True)
    assert (response.status_code, response.json()["code"]) == (413, "too-large")
    assert post(gzip.compress(b"{}")[:-4], HTTP_CONTENT_ENCODING="gzip").status_code == 400
    assert post(b"{" + b" " * (4 * 1024 * 1024)).status_code == 413


def test_browsers_may_send_from_anywhere(source: Source) -> None:
    response = Client().options("/v1/batch", HTTP_ORIGIN="https://shop.test")
    assert (response.status_code, response["Access-Control-Allow-Origin"]) == (204, "*")
    assert not post({"batch": [track()]}).has_header("Access-Control-Allow-Origin")
    Source.objects.update(trust="browser")
    ingestion._sources.clear()
    assert post({"batch": [track()]}, HTTP_ORIGIN="https://shop.test")["Access-Control-Allow-Origin"] == "*"
    assert Client().get("/v1/batch").status_code == 405


def test_what_comes_again_is_written_once(source: Source) -> None:
    case = CASES["dedupe-001"]
    for message in case["given"]["already_seen"]:
        post({"batch": [track(message)]})
    work()
    before = set(Event.objects.values_list("message_id", flat=True))
    post({"batch": [track(message) for message in case["given"]["batch"]]})
    assert work().repeated == 2
    assert sorted(set(Event.objects.values_list("message_id", flat=True)) - before) == case["expect"]["kept"]
    assert Event.objects.count() == len(before) + len(case["expect"]["kept"])


def test_the_same_message_of_another_month_is_the_same(source: Source) -> None:
    post({"batch": [track(timestamp="2026-09-01T00:00:00Z"), track(timestamp="2026-11-01T00:00:00Z")]})
    work()
    post({"batch": [track(timestamp="2026-10-01T00:00:00Z")]})
    work()
    assert [event.occurred_at.month for event in Event.objects.all()] == [9]


def test_another_source_may_use_the_same_message_ids(source: Source) -> None:
    Source.objects.create(trust="server", key="app", name="App", channel=source.channel, write_key="a" * 32)
    post({"batch": [track()]})
    post({"batch": [track()]}, key="a" * 32)
    assert work().events == 2


BAD = [
    (5, Refusal.NOT_AN_OBJECT),
    ({"type": "hello", "userId": "ann"}, Refusal.UNKNOWN_TYPE),
    (track("x" * 101), Refusal.BAD_MESSAGE_ID),
    (track(["m"]), Refusal.BAD_MESSAGE_ID),  # type: ignore[arg-type]
    (track(True), Refusal.BAD_MESSAGE_ID),  # type: ignore[arg-type]
    ({**track(), "event": ""}, Refusal.NO_NAME),
    ({**track(), "event": "x" * 201}, Refusal.NO_NAME),
    (track(properties=[1]), Refusal.BAD_FIELD),
    (track(properties={"text": "x" * 33_000}), Refusal.TOO_LARGE),
    (track(properties={str(n): n for n in range(10_000)}), Refusal.TOO_LARGE),
    (track(properties={"text": "a\x00b"}), Refusal.BAD_TEXT),
    (track(properties={"a\x00b": 1}), Refusal.BAD_TEXT),
    (track(properties={"text": "\ud800"}), Refusal.BAD_TEXT),
    (track(properties={"n": float("nan")}), Refusal.NOT_A_NUMBER),
    (track(properties={"n": float("-inf")}), Refusal.NOT_A_NUMBER),
    (track(timestamp="1900-01-01T00:00:00Z"), Refusal.BEFORE_1970),
    (track(timestamp="3000-01-01T00:00:00Z"), Refusal.IN_THE_FUTURE),
    (track(userId=None), Refusal.NO_IDENTITY),
    (track(userId=True), Refusal.NO_IDENTITY),
    (track(userId="null"), Refusal.NO_IDENTITY),
    (track(userId=0), Refusal.NO_IDENTITY),
    (track(userId="x" * 500), Refusal.NO_IDENTITY),
]


@pytest.mark.parametrize(("bad", "reason"), BAD)
def test_a_bad_event_is_kept_with_its_reason_and_its_neighbours_are_taken(source: Source, bad: Any, reason: Refusal) -> None:
    response = post(json.dumps({"batch": [track("before"), bad, track("after")]}).encode())
    assert response.status_code == 200
    work()
    assert reasons() == [reason]
    assert sorted(Event.objects.values_list("message_id", flat=True)) == ["after", "before"]


def test_a_thousand_levels_sink_nobody_else(source: Source) -> None:
    deep = '{"type":"track","event":"x","userId":"u","properties":' + '{"a":' * 900 + "1" + "}" * 900 + "}"
    assert post(f'{{"batch": [{json.dumps(track("ok"))}, {deep}]}}'.encode()).status_code == 200
    work()
    assert (reasons(), Event.objects.count()) == ([Refusal.TOO_DEEP], 1)


def test_numbers_and_texts_name_the_same_customer(source: Source) -> None:
    post({"batch": [track("1", userId=4711), track("2", userId="4711"), track("3", userId=4711.0)]})
    work()
    assert Customer.objects.count() == 1


def test_a_rejected_event_can_be_sent_again_once(source: Source) -> None:
    post({"batch": [track(userId="guest")]})
    work()
    rejection = Rejection.objects.get()
    Rejection.objects.update(body=rejection.body.replace("guest", "ann"))
    rejection.refresh_from_db()
    assert operations.replay(rejection=rejection, now=NOON)
    assert not operations.replay(rejection=rejection, now=NOON)
    assert work().events == 1


def test_traits_are_written_by_the_time_of_the_event(source: Source) -> None:
    def said(message: str, day: int, **traits: Any) -> dict[str, Any]:
        return {
            "type": "identify",
            "messageId": message,
            "userId": "ann",
            "timestamp": f"2026-11-{day:02}T10:00:00Z",
            "traits": traits,
        }

    post(
        {
            "batch": [
                said("1", 10, city="Rome", tea=True, name="Ann Lee"),
                said("2", 5, city="Bonn", hat=3),
                said("3", 11, tea=None, city=""),
            ]
        }
    )
    work()
    customer = Customer.objects.get()
    assert customer.traits == {"city": "Rome", "hat": 3, "name": "Ann Lee"}
    assert customer.display_name == "Ann Lee"
    post({"batch": [said("4", 6, tea=True)]})  # older than its removal
    work()
    customer.refresh_from_db()
    assert "tea" not in customer.traits


def test_an_order_is_a_purchase_and_counts_once(source: Source) -> None:
    order = {
        "order_id": "A-1",
        "total": 49.9,
        "currency": "EUR",
        "discount": "5.10",
        "products": [{"sku": "tea", "name": "Tea", "category": "Drinks", "brand": "B", "price": 24.95, "quantity": 2}],
    }
    post(
        {"batch": [track("1", event="Order Completed", properties=order), track("2", event="Order Completed", properties=order)]}
    )
    work()
    post({"batch": [track("3", event="Order Completed", properties=order)]})
    work()
    purchase = Purchase.objects.get()
    assert (purchase.paid, purchase.discount, purchase.currency, purchase.customer) == (4990, 510, "EUR", Customer.objects.get())
    line = purchase.lines.get()
    assert (line.sku, line.category, line.brand, line.quantity, line.paid) == ("tea", "Drinks", "B", 2, 4990)
    post({"batch": [track("4", event="Order Refunded", properties={"order_id": "A-1", "total": 20})]})
    post({"batch": [track("5", event="Order Refunded", properties={"order_id": "A-1", "total": 200})]})
    work()
    purchase.refresh_from_db()
    assert purchase.refunded == 4990
    assert Event.objects.count() == 5


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"order_id": "1"},
        {"order_id": "1", "total": -5},
        {"order_id": "1", "total": "x"},
        {"order_id": "1", "total": 1, "currency": "ZZZ"},
    ],
)
def test_an_order_that_says_too_little_is_an_event_and_no_purchase(source: Source, broken: dict[str, Any]) -> None:
    post({"batch": [track("1", event="Order Completed", properties=broken)]})
    assert work().events == 1
    assert not Purchase.objects.exists()


def test_the_context_of_the_envelope_lies_under_each_events_own(source: Source) -> None:
    post(
        {
            "batch": [track(context={"locale": "de-DE"})],
            "context": {"locale": "en-US", "ip": "203.0.113.7"},
            "sentAt": "2026-11-21T12:00:00Z",
        }
    )
    work()
    context = Event.objects.get().context
    assert (context["locale"], context["ip"]) == ("de-DE", "203.0.113.7")
    assert context["sentAt"] == "2026-11-21T12:00:00+00:00"


def test_when_it_happened() -> None:
    case = CASES["event_time-002"]
    at = occurred(
        received_at=dt.datetime.fromisoformat(case["given"]["now"]),
        sent_at=case["given"]["sent_at"],
        original_at=None,
        offset_ms=case["given"]["offset_ms"],
    )
    assert at == dt.datetime.fromisoformat(case["expect"]["event_time"])
    hour = dt.timedelta(hours=1)
    # The device is a day behind, and sent it an hour after it happened.
    assert occurred(received_at=NOON, sent_at=NOON - 24 * hour, original_at=NOON - 25 * hour) == NOON - hour
    assert occurred(received_at=NOON, sent_at=None, original_at=NOON - 25 * hour) == NOON - 25 * hour
    assert occurred(received_at=NOON, sent_at=NOON, original_at=None) == NOON


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", 5, None, "9" * 50, "0001-01-01T00:00:00+14:00"])
def test_what_is_no_instant_is_none(text: object) -> None:
    assert instant(text) is None


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("2020-01-01T12:00:05.200Z", "2020-01-01T12:00:05.200000+00:00"),
        ("2020-01-01T05:00:05.2-07:00", "2020-01-01T12:00:05.200000+00:00"),
        ("2020-01-01T12:00:05.123456789Z", "2020-01-01T12:00:05.123456+00:00"),
        ("2020-01-01T12:00:05+0000", "2020-01-01T12:00:05+00:00"),
        (" 2020-01-01 ", "2020-01-01T00:00:00+00:00"),
        (1577880005200, "2020-01-01T12:00:05.200000+00:00"),
        (1577880005, "2020-01-01T12:00:05+00:00"),
        (1577880005.2, "2020-01-01T12:00:05.200000+00:00"),
    ],
)
def test_an_instant_is_understood_as_clients_write_it(said: object, expected: str) -> None:
    found = instant(said)
    assert found is not None
    assert found.isoformat() == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"timestamp": "nonsense"}, "received"),
        ({"timestamp": "nonsense", "sentAt": "2026-01-01T00:00:00Z"}, "received"),
        ({"timestamp": "2026-11-01T10:00:00Z"}, "2026-11-01T10:00:00+00:00"),
        ({"timestamp": "2026-11-01T10:00:00Z", "sentAt": None}, "2026-11-01T10:00:00+00:00"),
        ({"timestamp": "2026-11-01T10:00:00Z", "sentAt": "nonsense"}, "2026-11-01T10:00:00+00:00"),
        # Sent two minutes after it happened, by a clock that is years behind, and by one that is years ahead.
        ({"timestamp": "2020-01-01T00:00:00Z", "sentAt": "2020-01-01T00:02:00Z"}, "two minutes ago"),
        ({"timestamp": "2030-01-01T00:00:00Z", "sentAt": "2030-01-01T00:02:00Z"}, "two minutes ago"),
        ({"originalTimestamp": "2030-01-01T00:00:00Z", "sentAt": "2030-01-01T00:02:00Z", "timestamp": "x"}, "two minutes ago"),
        ({"offset": 120_000}, "two minutes ago"),
        ({"offset": -5}, "received"),
        ({"offset": True}, "received"),
        ({"offset": "150"}, "received"),
    ],
)
def test_an_event_happened_when_both_clocks_say(source: Source, fields: dict[str, Any], expected: str) -> None:
    received = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
    operations.take(source=source, kind="", body=json.dumps({"batch": [track(**fields)]}).encode(), now=received)
    work(received)
    said = {"received": received, "two minutes ago": received - dt.timedelta(minutes=2)}
    assert Event.objects.get().occurred_at == (said.get(expected) or dt.datetime.fromisoformat(expected))


def test_a_time_to_come_is_taken_within_a_day_and_the_year_1969_never(source: Source) -> None:
    now = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
    times = ["2026-11-20T23:59:00Z", "2026-11-21T00:01:00Z", "1970-01-01T00:00:00Z", "1969-12-31T23:59:59Z"]
    batch = [track(f"t{n}", timestamp=time) for n, time in enumerate(times)]
    operations.take(source=source, kind="", body=json.dumps({"batch": batch}).encode(), now=now)
    work(now)
    assert sorted(Event.objects.values_list("message_id", flat=True)) == ["t0", "t2"]
    assert reasons() == [Refusal.IN_THE_FUTURE, Refusal.BEFORE_1970]


def test_a_number_names_a_message_as_its_text_does_and_space_around_it_says_nothing(source: Source) -> None:
    post({"batch": [track(5), track("5"), track(" 5 "), track("  ", n=1), track("", n=2), track(None, n=3)]})  # type: ignore[arg-type]
    done = work()
    assert (done.events, done.repeated) == (4, 2)


def test_without_a_message_id_the_same_words_are_the_same_message(source: Source) -> None:
    said = {"type": "track", "event": "Looked", "userId": "ann", "timestamp": "2026-11-01T00:00:00Z"}
    post({"batch": [said, {**said, "event": "Left"}], "sentAt": "2026-11-01T00:01:00Z"})
    work()
    post({"batch": [said], "sentAt": "2026-11-01T00:02:00Z"})
    assert work().repeated == 1
    assert Event.objects.count() == 2


@pytest.mark.parametrize(
    "who",
    [
        {"userId": "true"}, {"userId": "  "}, {"userId": '"null"'}, {"userId": "[object Object]"}, {"userId": "{{ user.id }}"},
        {"userId": "distinct_id"}, {"userId": False}, {"userId": []}, {"userId": {}}, {"userId": -1}, {"userId": 0.0},
        {"userId": "00000000-0000-0000-0000-000000000000"}, {"userId": 1.5}, {"userId": None, "anonymousId": "undefined"},
    ],
)  # fmt: skip
def test_what_names_nobody_makes_nobody(source: Source, who: dict[str, Any]) -> None:
    post({"batch": [{**track(), **who}, track("good")]})
    work()
    assert (reasons(), Customer.objects.count()) == ([Refusal.NO_IDENTITY], 1)


def test_who_acts_is_said_by_user_id_before_anything_else(source: Source) -> None:
    external = {"externalIds": [{"type": "user_id", "id": "aaa"}, {"type": "shop", "id": "s-1"}]}
    post({"batch": [track("1", userId="zoe", context=external), track("2", userId="zoe"), track("3", userId="aaa")]})
    work()
    by_message = dict(Event.objects.values_list("message_id", "customer"))
    assert by_message["1"] == by_message["2"] != by_message["3"]


def test_null_removes_a_trait_and_an_empty_text_does_not() -> None:
    traits, said = write_traits({"a": 1, "b": 2, "c": 3}, {}, {"a": None, "b": "", "c": 4}, NOON)
    assert traits == {"b": 2, "c": 4}
    assert set(said) == {"a", "c"}


def test_a_request_that_cannot_be_processed_does_not_hold_up_the_others(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    from customers.operations import _process

    real = _process._write_orders

    def fails(fresh: Any, resolved: Any) -> None:
        if any(item.event.message_id == "poison" for item in fresh):
            raise RuntimeError("poison")
        real(fresh, resolved)

    monkeypatch.setattr(_process, "_write_orders", fails)
    post({"batch": [track("good")]})
    post({"batch": [track("poison")]})
    for _n in range(3):
        work()
    assert [event.message_id for event in Event.objects.all()] == ["good"]
    assert reasons() == [Refusal.NOT_PROCESSED]
    assert not Intake.objects.exists()


def test_when_too_much_waits_sources_are_told_to_come_back(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingestion, "MOST_WAITING", 2)
    monkeypatch.setattr(ingestion, "LOOK_EVERY", 0.0)
    for n in range(4):
        assert post({"batch": [track(str(n))]}).status_code == 200
    response = post({"batch": [track("5")]})
    assert (response.status_code, response["Retry-After"]) == (429, "10")


def test_what_waits_is_read_row_by_row_so_that_a_late_commit_is_not_missed(source: Source) -> None:
    with connection.cursor() as cursor:  # a request whose number is smaller than those already worked through
        post({"batch": [track("first")]})
        work()
        cursor.execute(
            "INSERT INTO customers_intake (id, source_id, kind, body, received_at) VALUES (0, %s, '', %s, now())",
            [source.pk, json.dumps({"batch": [track("late")]}).encode()],
        )
    assert work().events == 1


def test_what_came_after_the_clock_was_looked_at_counts_at_once(source: Source) -> None:
    lookers = operations.define_segment(
        name="Lookers", rule={"event": {"name": "Looked", "within_days": 7}, "op": ">=", "value": 1}, by="x", now=NOON
    )
    post({"batch": [track()]})
    work(Intake.objects.get().received_at - dt.timedelta(seconds=1))
    assert lookers.members.count() == 1
    assert Customer.objects.get().facts["segments"] == ["lookers"]
