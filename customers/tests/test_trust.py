"""A stranger with the key that stands in every page: what they send joins, earns and says nothing for anybody."""

import base64
import datetime as dt
import itertools
import json
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest
from django.test import Client

from customers import operations, queries
from customers.api import ingestion
from customers.models import Consent, Customer, Event, Identity, Intake, Merge, Purchase, Rejection, Source
from customers.rules.protocol import Refusal
from customers.rules.trust import Trust
from customers.tests.factories import NOON, ChannelFactory, IdentityFactory

pytestmark = pytest.mark.django_db

PUBLIC, SECRET = "public-" + "p" * 20, "secret-" + "s" * 20
_numbers = itertools.count()
VICTIM, ATTACKER = "victim@shop.test", "attacker@evil.test"


@pytest.fixture(autouse=True)
def fresh() -> None:
    ingestion._sources.clear()
    ingestion._backlog[:] = [0.0, False]


@pytest.fixture
def pages() -> Source:
    web = ChannelFactory(web=True)
    Source.objects.create(trust="server", key="shop", name="Shop", channel=web, write_key=SECRET)
    return Source.objects.create(trust="browser", key="pages", name="Pages", channel=web, write_key=PUBLIC)


def send(*events: dict[str, Any], key: str = PUBLIC, now: dt.datetime = NOON, **headers: str) -> Any:
    batch = [{"messageId": f"m-{next(_numbers)}", **event} for event in events]
    how: dict[str, Any] = {"content_type": "text/plain", **headers}
    if key == SECRET:
        how["HTTP_AUTHORIZATION"] = "Basic " + base64.b64encode(f"{key}:".encode()).decode()
        response = Client().post("/v1/batch", json.dumps({"batch": batch}), **how)
    else:
        response = Client().post(f"/beacon/v1/batch?writeKey={key}", json.dumps({"batch": batch}), **how)
    if response.status_code == 200:
        # What was received a moment ago by the clock of the server is worked through by the clock of the test.
        Intake.objects.update(received_at=now)
        while (done := operations.process_events(now=now)) is not None and done.requests:
            pass
    return response


def token(source: Source, *, secret: str = "", at: dt.datetime = NOON, hours: float = 1, **claims: Any) -> str:
    said = {"iat": int(at.timestamp()), "exp": int((at + dt.timedelta(hours=hours)).timestamp()), **claims}
    return jwt.encode(said, secret or source.token_secret, algorithm="HS256")


def known(kind: str, value: str) -> Customer:
    """Somebody who was there before."""
    return IdentityFactory(kind=kind, value=value, customer__first_seen_at=NOON - dt.timedelta(days=30)).customer


def owner(kind: str, value: str) -> Customer | None:
    row = Identity.objects.filter(kind=kind, value=value).first()
    return row.customer if row else None


# --- Identity ----------------------------------------------------------------------------------------------------------------


def test_a_stranger_with_two_addresses_makes_no_one_customer_of_them(pages: Source) -> None:
    victim, attacker = known("email", VICTIM), known("external:shop", "attacker-1")
    send(
        {
            "type": "identify",
            "anonymousId": "evil",
            "userId": "u-1",
            "traits": {"email": VICTIM, "phone": "+49 40 5550142"},
            "context": {"externalIds": [{"type": "shop", "id": "attacker-1"}, {"type": "email", "id": ATTACKER}]},
        }
    )
    assert not Merge.objects.exists()
    visitor = owner("anonymous_id", "evil")
    assert visitor not in (victim, attacker, None)
    assert list(visitor.identities.values_list("kind", flat=True)) == ["anonymous_id"]  # type: ignore[union-attr]
    assert visitor.claims == {"email": VICTIM, "phone": "+49 40 5550142"}  # type: ignore[union-attr]
    assert visitor.traits == {}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "event",
    [
        {"type": "alias", "userId": "ann", "previousId": "a2"},
        {"type": "alias", "previousId": "ann", "userId": "evil"},
        {"type": "track", "event": "X", "context": {"device": {"id": "d1"}, "traits": {"email": VICTIM}}},
        {"type": "group", "groupId": "g", "userId": "ann"},
        {"type": "page", "userId": "ann", "context": {"externalIds": [{"type": "anonymous_id", "id": "a2"}]}},
    ],
)
def test_no_event_of_a_public_key_names_more_than_its_visitor(pages: Source, event: dict[str, Any]) -> None:
    known("user_id", "ann"), known("email", VICTIM), known("anonymous_id", "a2"), known("device_id", "d1")
    before = Customer.objects.count()
    send({"anonymousId": "evil", **event})
    assert Customer.objects.count() == before + 1
    assert Event.objects.get().customer == owner("anonymous_id", "evil")
    assert Identity.objects.count() == 5
    assert not Merge.objects.exists()


def test_without_a_visitor_an_event_of_a_public_key_is_refused_with_the_reason(pages: Source) -> None:
    send({"type": "page", "userId": "ann"}, {"type": "page", "anonymousId": "null"})
    assert sorted(Rejection.objects.values_list("reason", flat=True)) == [Refusal.NO_IDENTITY, Refusal.UNPROVEN]
    assert not Customer.objects.exists()


def test_a_rejected_event_is_taken_once_its_source_proves_to_be_a_server(pages: Source) -> None:
    send({"type": "page", "userId": "ann"})
    assert operations.choose_trust(source=pages, trust=Trust.SERVER) is True
    operations.replay(rejection=Rejection.objects.get(), now=NOON)
    operations.process_events(now=NOON)
    assert owner("user_id", "ann") is not None


def test_a_token_identifies_and_brings_along_what_the_visitor_did(pages: Source) -> None:
    ann = known("user_id", "ann")
    send({"type": "page", "anonymousId": "a1", "name": "Home"})
    send({"type": "page", "anonymousId": "a1", "name": "Wallet", "context": {"customerToken": token(pages, sub="ann")}})
    assert owner("anonymous_id", "a1") == ann
    assert Event.objects.exclude(type="merged").filter(customer=ann).count() == 2
    assert not Event.objects.filter(context__has_key="customerToken").exists()


@pytest.mark.parametrize(
    "make",
    [
        lambda source: token(source, sub="ann", secret="x" * 43),
        lambda source: token(source, sub="ann", hours=-2, at=NOON - dt.timedelta(hours=1)),
        lambda source: token(source, sub="ann", at=NOON - dt.timedelta(hours=2)),
        lambda source: token(source, sub="ann", hours=25),
        lambda source: token(source, sub="ann", at=NOON + dt.timedelta(hours=1)),
        lambda source: token(source, sub=""),
        lambda source: token(source, sub=7),
        lambda source: token(source, sub="ann", email=["a@b.c"]),
        lambda source: token(source, sub="ann", aud="another"),
        lambda source: token(source, sub="ann", exp="soon"),
        lambda source: token(source, sub="ann", exp=10**30),
        lambda source: jwt.encode({"sub": "ann"}, source.token_secret, algorithm="HS256"),
        lambda source: jwt.encode({"sub": "ann", "iat": 0, "exp": 9**9}, None, algorithm="none"),
        lambda source: jwt.encode({"sub": "ann", "iat": 1, "exp": 2}, source.token_secret * 2, algorithm="HS512"),
        lambda source: source.write_key,
        lambda source: "a.b.c",
        lambda source: "x" * 5_000,
        lambda source: {"sub": "ann"},
    ],
)
def test_no_other_token_identifies(pages: Source, make: Any) -> None:
    ann = known("user_id", "ann")
    send({"type": "page", "anonymousId": "evil", "context": {"customerToken": make(pages)}})
    assert Event.objects.get().customer == owner("anonymous_id", "evil") != ann


def test_a_token_of_one_source_is_none_of_another(pages: Source) -> None:
    ann = known("user_id", "ann")
    other = Source.objects.create(trust="device", key="app", name="App", channel=pages.channel)
    send({"type": "page", "anonymousId": "evil", "context": {"customerToken": token(other, sub="ann")}})
    assert owner("anonymous_id", "evil") != ann


def test_a_token_that_was_valid_when_it_was_received_stays_so_however_long_the_event_waits(pages: Source) -> None:
    ann = known("user_id", "ann")
    send(
        {
            "type": "page",
            "anonymousId": "a1",
            "context": {"customerToken": token(pages, sub="ann", at=NOON - dt.timedelta(minutes=59))},
        }
    )
    assert owner("anonymous_id", "a1") == ann


@pytest.mark.parametrize("kind", ["user_id", "email", "loyalty_card"])
def test_a_customers_own_token_takes_over_no_other_known_customer(pages: Source, kind: str) -> None:
    """Somebody signs in with their own account and says the anonymous id of another's browser."""
    attacker = known("user_id", "attacker")
    victim = known(kind, {"email": VICTIM}.get(kind, "VICTIM-1"))
    IdentityFactory(customer=victim, kind="anonymous_id", value="victims-browser")
    for sub in ("attacker", "nobody-yet"):
        send({"type": "page", "anonymousId": "victims-browser", "context": {"customerToken": token(pages, sub=sub)}})
    assert not Merge.objects.exists()
    assert owner("anonymous_id", "victims-browser") == victim
    assert owner("user_id", "attacker") == attacker
    assert owner("user_id", "nobody-yet") not in (victim, attacker)


def test_a_server_may_say_that_an_address_is_not_verified(pages: Source) -> None:
    victim = known("email", VICTIM)
    send({"type": "identify", "userId": "new", "traits": {"email": VICTIM, "email_verified": False}}, key=SECRET)
    assert owner("user_id", "new") != victim
    assert not Merge.objects.exists()
    send({"type": "identify", "userId": "new", "traits": {"email": VICTIM, "email_verified": True}}, key=SECRET)
    assert owner("user_id", "new") == owner("email", VICTIM)


# --- What it says ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Subscribed", "Unsubscribed", "Email Marked as Spam"])
def test_consent_of_a_stranger_is_none_and_of_a_customer_with_a_token_counts(pages: Source, name: str) -> None:
    ChannelFactory(key="letters", kind="email", can_message=True)
    ann = known("user_id", "ann")
    IdentityFactory(customer=ann, kind="anonymous_id", value="a1")
    said = {"type": "track", "event": name, "userId": "ann", "anonymousId": "a1", "properties": {"channel": "letters"}}
    send(said, {"type": "identify", "anonymousId": "a1", "traits": {"email_subscribe": "opted_in", "unsubscribed": True}})
    assert not Consent.objects.exists()
    assert Event.objects.get(name=name).type == "unverified"
    send({**said, "context": {"customerToken": token(pages, sub="ann")}})
    assert Consent.objects.get().customer == ann


def test_consent_by_traits_counts_with_a_token_alone(pages: Source) -> None:
    ChannelFactory(key="letters", kind="email", can_message=True)
    said = {"type": "identify", "anonymousId": "a1", "traits": {"email_subscribe": "opted_in"}}
    send(said)
    assert not Consent.objects.exists()
    send({**said, "context": {"customerToken": token(pages, sub="ann", at=NOON)}, "traits": {"email_subscribe": "unsubscribed"}})
    assert Consent.objects.get().is_given is False


@pytest.mark.parametrize("with_token", [False, True])
def test_an_order_of_a_public_key_is_no_purchase_and_in_no_segment(pages: Source, with_token: bool) -> None:
    context = {"customerToken": token(pages, sub="ann")} if with_token else {}
    order = {"order_id": "W-1", "total": 1_000_000, "currency": "EUR"}
    spellings = ("Order Completed", "order_completed", "Order Refunded")
    send(*({"type": "track", "event": name, "anonymousId": "a1", "properties": order, "context": context} for name in spellings))
    assert not Purchase.objects.exists()
    assert set(Event.objects.exclude(type="merged").values_list("type", flat=True)) == {"unverified"}
    customer = owner("anonymous_id", "a1")
    assert customer is not None
    assert customer.facts.get("orders", 0) == 0
    for event in ({"name": "Order Completed"}, {"name": "order_completed"}, {"name": "Order Completed", "type": "track"}):
        rule = queries.parsed_rule({"event": event, "op": ">=", "value": 1})
        assert queries.glimpse(rule, now=NOON, patience=dt.timedelta(seconds=5)).size == 0


def test_an_order_said_by_a_page_first_is_a_purchase_when_the_server_says_it(pages: Source) -> None:
    order = {"order_id": "W-1", "total": 49.9, "currency": "EUR"}
    send({"type": "track", "event": "Order Completed", "anonymousId": "a1", "properties": order})
    send({"type": "track", "event": "Order Completed", "userId": "ann", "properties": order}, key=SECRET)
    assert (Purchase.objects.get().paid, Purchase.objects.get().customer) == (4990, owner("user_id", "ann"))


@pytest.mark.parametrize("with_token", [False, True])
def test_what_a_page_says_of_a_customer_is_no_attribute_that_conditions_use(pages: Source, with_token: bool) -> None:
    ann = known("user_id", "ann")
    IdentityFactory(customer=ann, kind="anonymous_id", value="a1")
    Customer.objects.filter(pk=ann.pk).update(traits={"vip": False}, display_name="Ann", language="de", time_zone="Europe/Berlin")
    context = {"locale": "fr-FR", "timezone": "Asia/Tokyo", **({"customerToken": token(pages, sub="ann")} if with_token else {})}
    send({"type": "identify", "anonymousId": "a1", "traits": {"vip": True, "orders": 99, "name": "Eve"}, "context": context})
    ann.refresh_from_db()
    assert (ann.traits, ann.display_name, ann.language, ann.time_zone) == ({"vip": False}, "Ann", "de", "Europe/Berlin")
    assert ann.claims == {"vip": True, "orders": 99, "name": "Eve"}
    assert queries.known_of(ann)["vip"] is False
    assert queries.known_of(ann).get("orders") != 99


# --- Keys ---------------------------------------------------------------------------------------------------------------------


def test_a_secret_key_in_an_address_or_a_body_is_refused(pages: Source) -> None:
    body = json.dumps({"batch": [{"type": "page", "userId": "ann"}], "writeKey": SECRET})
    for path in (f"/v1/batch?writeKey={SECRET}", "/v1/batch"):
        response = Client().post(path, body, content_type="text/plain")
        assert (response.status_code, response.json()["code"]) == (403, "secret-key-misplaced")
        assert not response.has_header("Access-Control-Allow-Origin")
    assert not Intake.objects.exists()


@pytest.mark.parametrize("said", [{"HTTP_ORIGIN": "https://shop.example"}, {"HTTP_SEC_FETCH_SITE": "cross-site"}])
def test_a_secret_key_from_a_page_is_refused(pages: Source, said: dict[str, str]) -> None:
    response = send({"type": "page", "userId": "ann"}, key=SECRET, **said)
    assert (response.status_code, response.json()["code"]) == (403, "origin-not-allowed")
    assert not response.has_header("Access-Control-Allow-Origin")


def test_a_secret_key_in_sight_is_refused_whatever_the_header_says(pages: Source) -> None:
    header = "Basic " + base64.b64encode(f"{PUBLIC}:".encode()).decode()
    event = {"type": "page", "anonymousId": "a1"}
    for path, body in (
        (f"/v1/batch?writeKey={SECRET}", {"batch": [event]}),
        ("/v1/batch", {"batch": [event], "writeKey": SECRET}),
    ):
        response = Client().post(path, json.dumps(body), content_type="text/plain", HTTP_AUTHORIZATION=header)
        assert response.json()["code"] == "secret-key-misplaced"


def test_half_characters_are_refused_and_end_nothing(pages: Source) -> None:
    def post(body: dict[str, Any], path: str = "/v1/page") -> Any:
        return Client(raise_request_exception=False).post(path, json.dumps(body), content_type="text/plain")

    assert post({"writeKey": "\ud800"}).status_code == 401
    assert post({}, path="/v1/page?writeKey=%ED%A0%80").status_code == 401
    assert post({"writeKey": PUBLIC, "anonymousId": "\ud800"}).status_code == 200
    assert post({"writeKey": PUBLIC, "anonymousId": "a1", "context": {"customerToken": "\ud800"}}).status_code == 200
    while (done := operations.process_events(now=NOON)) is not None and done.requests:
        pass
    assert set(Rejection.objects.values_list("reason", flat=True)) == {Refusal.BAD_TEXT}


def test_a_public_key_is_taken_from_its_own_pages_only(pages: Source) -> None:
    Source.objects.filter(pk=pages.pk).update(origins=["https://shop.example"])
    page = {"type": "page", "anonymousId": "a1"}
    assert send(page, HTTP_ORIGIN="https://shop.example").status_code == 200
    for headers in ({"HTTP_ORIGIN": "https://evil.example"}, {"HTTP_ORIGIN": "null"}, {}):
        assert send(page, **headers).json()["code"] == "origin-not-allowed"


def test_sources_of_before_are_public_until_somebody_says(pages: Source) -> None:
    Source.objects.filter(key="shop").update(trust="browser", is_trust_chosen=False)
    shop = Source.objects.get(key="shop")
    assert operations.choose_trust(source=shop, trust=Trust.SERVER) is False
    assert (shop.write_key, shop.trust, shop.is_trust_chosen) == (SECRET, "server", True)


def test_a_key_that_was_public_does_not_become_a_secret(pages: Source) -> None:
    assert operations.choose_trust(source=pages, trust=Trust.SERVER) is True
    assert pages.write_key != PUBLIC
    assert operations.choose_trust(source=pages, trust=Trust.BROWSER) is False


def test_public_keys_are_counted_by_visitor_by_address_and_altogether(pages: Source, settings: Any) -> None:
    settings.PUBLIC_EVENTS_PER_MINUTE = (5, 9, 100)
    page = {"type": "page", "anonymousId": "a1"}
    assert send(*[page] * 5).status_code == 200
    response = send(page)
    assert (response.status_code, response.json()["code"]) == (429, "busy")
    assert 1 <= int(response["Retry-After"]) <= 12
    assert send(*[page | {"anonymousId": "a2"}] * 4).status_code == 200
    assert send(page | {"anonymousId": "a3"}).status_code == 429  # the address
    assert send(page | {"anonymousId": "a3"}, REMOTE_ADDR="192.0.2.9").status_code == 200
    assert send({"type": "page", "userId": "ann"}, key=SECRET).status_code == 200


def test_a_request_of_a_public_key_has_few_visitors(pages: Source) -> None:
    response = send(*({"type": "page", "anonymousId": f"a{n}"} for n in range(30)))
    assert (response.status_code, response.json()["code"]) == (400, "too-many-visitors")


# --- Links --------------------------------------------------------------------------------------------------------------------


def is_open(url: str) -> bool:
    return Client().get(urlsplit(url).path).status_code == 200


def test_links_of_both_end_with_a_merge_and_the_owner_gets_new_ones() -> None:
    ann, ben = known("email", "ann@shop.test"), known("loyalty_card", "7")
    old = [queries.preferences_url(one) for one in (ann, ben)]
    assert all(map(is_open, old))
    operations.merge(one=ann, other=ben, by="x", reason="Same", now=NOON)
    assert [Client().get(urlsplit(url).path).status_code for url in old] == [410, 410]
    survivor = Customer.objects.get(forwarded_to=None)
    assert is_open(queries.preferences_url(survivor))


def test_a_visitor_of_whom_nothing_is_known_ends_no_link_but_its_own() -> None:
    ann, visitor = known("email", "ann@shop.test"), known("anonymous_id", "a1")
    anns, visitors = queries.preferences_url(ann), queries.preferences_url(visitor)
    operations.merge(one=ann, other=visitor, by="x", reason="Same", now=NOON)
    assert (is_open(anns), is_open(visitors)) == (True, False)


def test_a_link_stays_when_an_older_visitor_is_joined_and_ends_when_somebody_else_is() -> None:
    """The visitor's profile is the older and survives: the link leads on to it, until there is another's to see."""
    visitor = IdentityFactory(kind="anonymous_id", value="a1", customer__first_seen_at=NOON - dt.timedelta(days=60)).customer
    ann, ben = known("email", "ann@shop.test"), known("loyalty_card", "7")
    anns, visitors = queries.preferences_url(ann), queries.preferences_url(visitor)
    operations.merge(one=ann, other=visitor, by="x", reason="Same", now=NOON)
    assert Customer.objects.get(pk=ann.pk).forwarded_to == visitor
    assert (is_open(anns), is_open(visitors)) == (True, False)
    operations.merge(one=visitor, other=ben, by="x", reason="Same", now=NOON)
    assert not is_open(anns)


def test_a_visitors_link_ends_when_they_become_known(pages: Source) -> None:
    visitor = known("anonymous_id", "a1")
    link = queries.preferences_url(visitor)
    send({"type": "identify", "anonymousId": "a1", "userId": "ann"}, key=SECRET)
    assert owner("user_id", "ann") == visitor
    assert not is_open(link)


def test_a_link_of_the_time_between_merge_and_split_ends_with_the_split() -> None:
    ann, ben = known("email", "ann@shop.test"), known("loyalty_card", "7")
    record = operations.merge(one=ann, other=ben, by="x", reason="Same", now=NOON)
    link = queries.preferences_url(Customer.objects.get(forwarded_to=None))
    operations.split(merge=record, by="x", reason="Twins", now=NOON)
    assert not is_open(link)
    assert all(is_open(queries.preferences_url(Customer.objects.get(pk=one.pk))) for one in (ann, ben))


# --- Names -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["tier Gold", "Redeemed: Summer", "Consent Given", "consent\u200b given", "Returned"])
def test_a_public_key_cannot_write_what_only_the_product_writes(pages: Source, name: str) -> None:
    send(
        {"type": "track", "event": name, "anonymousId": "evil"},
        {"type": "track", "event": "Product Viewed", "anonymousId": "evil"},
    )
    written = dict(Event.objects.filter(source="pages").values_list("name", "type"))
    assert written == {f"pages: {name}": "track", "Product Viewed": "track"}
    send({"type": "track", "event": name, "userId": "42"}, key=SECRET)
    assert Event.objects.filter(source="shop", name=name).count() == 1
