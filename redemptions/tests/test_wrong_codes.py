"""Guessing codes is stopped, exactly, over all processes; who knows a code is never kept waiting by the rule itself."""

import threading
import uuid
from typing import Any

import pytest
import redis
from django.conf import settings
from django.contrib.auth.models import Group
from django.test import Client

from campaigns.models import Incentive
from campaigns.operations import CodeGuard, TooManyWrongCodes
from campaigns.rules import codes
from campaigns.tests.factories import IncentiveFactory
from customers.tests.factories import NOON, ChannelFactory, CustomerFactory, StoreFactory
from incentives_site.accounts.models import User
from incentives_site.integrations.models import Scope
from incentives_site.integrations.tests.factories import PartnerClient, partner_key
from incentives_site.shared import valkey
from redemptions import operations
from redemptions.models import Redemption
from redemptions.tests.factories import lines, request_for
from redemptions.tests.test_codes import batch_of, texts
from redemptions.tests.test_pages import fields_of, line


def fresh() -> str:
    return uuid.uuid4().hex


def admitted(wrong: int = 1, **who: str) -> bool:
    named = {name: who.pop(name) for name in ("store", "customer") if name in who}
    try:
        CodeGuard(**who)(wrong=wrong, **named)  # type: ignore[arg-type]
    except TooManyWrongCodes:
        return False
    return True


def forget_valkey() -> None:
    """The next call asks the server that the settings name, whatever an earlier one has found."""
    valkey._kept.cache_clear()
    valkey._script.cache_clear()
    valkey.pause.end()


class TestCounting:
    """No database: the buckets are in Valkey."""

    @pytest.mark.parametrize("kind", ["key", "person", "store", "customer", "address"])
    def test_so_many_and_not_one_more(self, settings: Any, kind: str) -> None:
        settings.WRONG_CODES = {**settings.WRONG_CODES, kind: 5}
        who = {kind: fresh()}
        assert [admitted(**who) for _ in range(7)] == [True] * 5 + [False] * 2
        assert admitted(**{kind: fresh()})

    def test_right_codes_count_nothing_and_wait_only_while_nobody_hears_anything(self, settings: Any) -> None:
        settings.WRONG_CODES = {**settings.WRONG_CODES, "key": 2}
        key = fresh()
        assert all(admitted(0, key=key) for _ in range(50))
        assert admitted(1, key=key)
        assert all(admitted(0, key=key) for _ in range(50))
        assert admitted(1, key=key)
        assert not admitted(0, key=key)

    def test_a_refusal_that_says_something_is_counted(self, settings: Any) -> None:
        settings.WRONG_CODES = {**settings.WRONG_CODES, "key": 10, "customer": 5}
        key, customer = fresh(), fresh()
        # Thirty guesses at once, refused: had one been right, there might have been room. So they cost all there was.
        assert not admitted(30, key=key, customer=customer)
        assert not admitted(0, key=key)
        assert not admitted(0, customer=customer)

    def test_a_full_bucket_leaves_the_others_as_they_are(self, settings: Any) -> None:
        settings.WRONG_CODES = {**settings.WRONG_CODES, "key": 3, "customer": 1}
        key, customer = fresh(), fresh()
        assert admitted(1, key=key, customer=customer)
        assert not any(admitted(1, key=key, customer=customer) for _ in range(5))
        assert [admitted(1, key=key) for _ in range(3)] == [True, True, False]

    def test_it_empties_at_its_rate(self, settings: Any) -> None:
        settings.WRONG_CODES = {**settings.WRONG_CODES, "key": 36_000}  # ten a second
        key = fresh()
        assert admitted(36_000, key=key)
        assert not admitted(2, key=key)
        threading.Event().wait(0.25)
        assert admitted(1, key=key)

    def test_one_request_counts_its_wrong_codes_once(self, settings: Any) -> None:
        settings.WRONG_CODES = {**settings.WRONG_CODES, "key": 2}
        guard = CodeGuard(key=fresh())
        for _attempt in range(10):
            guard(wrong=1)

    def test_nothing_is_counted_where_the_limit_is_nought(self, settings: Any) -> None:
        settings.WRONG_CODES = dict.fromkeys(settings.WRONG_CODES, 0)
        assert all(admitted(10_000, key="a", address="b") for _ in range(10))

    def test_guesses_at_once_are_told_no_more_than_one_after_the_other(self, settings: Any) -> None:
        settings.WRONG_CODES = {**settings.WRONG_CODES, "key": 40}
        key, told, lock = fresh(), [], threading.Lock()
        gate = threading.Barrier(16)

        def guess() -> None:
            gate.wait()
            for _ in range(25):
                if admitted(key=key):
                    with lock:
                        told.append(1)

        threads = [threading.Thread(target=guess) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(told) == 40  # of 400; the next would be told after 90 s

    def test_a_million_guesses_take_as_long_as_the_document_says(self) -> None:
        hours = {kind: 1_000_000 / settings.WRONG_CODES[kind] for kind in settings.WRONG_CODES}
        assert 11 < hours["key"] / 24 < 12  # days
        assert 3.7 < hours["customer"] / 24 / 365 < 3.9  # years
        # The weakest pattern that may be saved has a million spare codes for each: about one hit.
        assert 1_000_000 // codes.SPARE == 1

    def test_when_valkey_is_away_decisions_pass(self, settings: Any, capfd: Any) -> None:
        settings.WRONG_CODES = {**settings.WRONG_CODES, "key": 1}
        settings.REDIS_URL = "unix:///nowhere/valkey.sock"
        forget_valkey()
        try:
            assert all(admitted(key="x") for _ in range(5))
        finally:
            forget_valkey()


@pytest.fixture
def incentive() -> Incentive:
    ChannelFactory()
    ChannelFactory(web=True)
    return IncentiveFactory(claim="code")


def body(*codes: str, **fields: Any) -> dict[str, Any]:
    return {"currency": "USD", "basket": lines(10_000), "codes": list(codes), "channel": "web", **fields}


@pytest.mark.django_db
class TestDoors:
    def test_a_partner_gets_429_with_retry_after(self, incentive: Incentive, settings: Any) -> None:
        settings.WRONG_CODES = {**settings.WRONG_CODES, "key": 3, "address": 0}
        right = texts(batch_of(incentive))[0]
        client = PartnerClient(partner_key()[1])
        assert [client.post("quotes", body(f"WRONG{n}")).status_code for n in range(2)] == [200, 200]
        assert client.post("quotes", body(right)).json()["applied"]
        assert client.post("quotes", body("WRONG3", right)).json()["applied"]
        for sent in ("WRONG4", right):
            refused = client.post("quotes", body(sent))
            assert (refused.status_code, refused.json()["code"]) == (429, "too-many-wrong-codes")
            assert 0 < int(refused["Retry-After"]) <= 1200
            assert "Try again in" in refused.json()["detail"]
        assert client.post("quotes", body()).status_code == 200
        redeemed = client.post("redemptions", body(right, order={"id": "1"}))
        assert (redeemed.status_code, redeemed.json()["code"]) == (429, "too-many-wrong-codes")
        assert not Redemption.objects.exists()

    def test_a_customer_is_counted_over_all_keys(self, incentive: Incentive, settings: Any) -> None:
        settings.WRONG_CODES = {**settings.WRONG_CODES, "customer": 2, "address": 0}
        customer = {"customer": {"id": str(CustomerFactory().public_id)}}
        clients = [PartnerClient(partner_key(partner=name)[1]) for name in ("a", "b", "c")]
        assert [client.post("quotes", body("WRONG", **customer)).status_code for client in clients] == [200, 200, 429]

    def test_gift_cards_that_are_guessed_count_too(self, incentive: Incentive, settings: Any) -> None:
        settings.WRONG_CODES = {**settings.WRONG_CODES, "key": 1, "address": 0}
        guard = CodeGuard(key=fresh())
        tender = {"type": "gift_card", "code": "NOSUCHCARD12", "amount": 100}
        operations.quote(request_for(tenders=[tender], guard=guard), now=NOON)
        with pytest.raises(TooManyWrongCodes):
            operations.quote(request_for(tenders=[tender], guard=CodeGuard(key=guard.key)), now=NOON)

    def test_a_sentence_at_the_till(self, incentive: Incentive, settings: Any, client: Client) -> None:
        settings.WRONG_CODES = {**settings.WRONG_CODES, "person": 1, "address": 0}
        user = User.objects.create_user(f"{fresh()}@example.com", store_keys=[StoreFactory().key])
        user.groups.add(Group.objects.get(name="store"))
        client.force_login(user)
        form = {**fields_of(client.get("/till/").content.decode()), **line()}
        answers = [client.post("/till/", {**form, "code": f"WRONG{n}"}) for n in range(2)]
        assert [answer.status_code for answer in answers] == [200, 429]
        assert b"Too many wrong codes" in answers[1].content

    def seller(self, *stores: str) -> Client:
        user = User.objects.create_user(f"{fresh()}@example.com", store_keys=list(stores))
        user.groups.add(Group.objects.get(name="store"))
        client = Client()
        client.force_login(user)
        return client

    def guess(self, client: Client, **fields: Any) -> int:
        form = {**fields_of(client.get("/till/").content.decode()), **line()}
        return int(client.post("/till/", {**form, "code": fresh(), **fields}).status_code)

    @pytest.mark.parametrize("kind", ["person", "store"])
    def test_the_store_a_form_names_or_leaves_out_wins_no_guesses(self, incentive: Incentive, settings: Any, kind: str) -> None:
        settings.WRONG_CODES = {**dict.fromkeys(settings.WRONG_CODES, 0), kind: 3}
        here, there = StoreFactory(key=fresh()), StoreFactory(key=fresh())
        client = self.seller(here.key, there.key)
        answers = [self.guess(client, store=str(store.pk)) for store in (here, there, here, there, here)]
        assert answers == [200] * 3 + [429] * 2
        # Who sells in one store and leaves it out, or names another, is counted there all the same.
        alone = self.seller(StoreFactory(key=fresh()).key)
        outcomes = [self.guess(alone, store=store) for store in ("", str(there.pk), "0", "", "", "")]
        assert outcomes == [200, 422, 422, 200, 200, 429]

    def test_who_is_bound_to_several_stores_names_one_of_them(self, incentive: Incentive) -> None:
        stores = [StoreFactory(key=fresh()), StoreFactory(key=fresh())]
        client = self.seller(*(store.key for store in stores))
        assert self.guess(client, store="") == 422
        assert self.guess(client, store=str(StoreFactory(key=fresh()).pk)) == 422
        assert self.guess(client, store=str(stores[1].pk)) == 200

    def test_a_sale_of_a_bound_person_is_never_without_a_store(self, settings: Any) -> None:
        store = StoreFactory(key=fresh())
        IncentiveFactory()
        client = self.seller(store.key)
        form = {**fields_of(client.get("/till/").content.decode()), **line(), "store": "", "intent": "redeem"}
        assert client.post("/till/", form).status_code == 302
        assert Redemption.objects.get().store == store


@pytest.mark.django_db
def test_who_may_not_redeem_cannot_tell_an_unusable_code_from_an_unknown_one(incentive: Incentive) -> None:
    right = texts(batch_of(incentive))[0]
    operations.redeem(request_for(codes=[right]), source="till", order_key="1", placed_at=None, by="x", now=NOON)
    stranger = PartnerClient(partner_key(partner="page", scopes=[Scope.QUOTES])[1])
    trusted = PartnerClient(partner_key(partner="shop")[1])
    (used, unknown) = stranger.post("quotes", body(right, "NOSUCHCODE")).json()["inapplicable"]
    assert {**used, "sent_code": ""} == {**unknown, "sent_code": ""}
    assert used["code"] == "code-unknown"
    assert used["incentive"] is None
    codes = {item["sent_code"]: item["code"] for item in trusted.post("quotes", body(right, "NOSUCHCODE")).json()["inapplicable"]}
    assert codes == {right: "code-used", "NOSUCHCODE": "code-unknown"}


def test_valkey_is_a_real_one() -> None:
    assert redis.Redis.from_url(settings.REDIS_URL).ping()
