"""Who may call, how often, and that a repeated call has one effect."""

import datetime
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.test import Client, override_settings
from django.utils import timezone

from campaigns.tests.factories import IncentiveFactory, LimitFactory
from customers.tests.factories import ChannelFactory
from incentives_site.integrations.models import ApiKey, IdempotentReply
from redemptions.models import Redemption
from redemptions.tests.factories import lines

from .factories import PartnerClient, partner_key

BASKET = {"currency": "USD", "basket": lines(10_000)}


def refusal(response: Any) -> tuple[int, str]:
    assert response["Content-Type"] == "application/problem+json", response.content
    body = response.json()
    assert body["type"].endswith(f"/problems/{body['code']}")
    assert body["status"] == response.status_code
    assert body["request_id"]
    return response.status_code, body["code"]


@pytest.mark.django_db
class TestWhoMayCall:
    def test_a_key_is_kept_hashed(self) -> None:
        row, text = partner_key()
        stored = ApiKey.objects.get(pk=row.pk)
        assert text.partition(".")[2] not in f"{stored.pk} {stored.hashed_key}"

    @pytest.mark.parametrize("header", [None, "", "Api-Key", "Api-Key nonsense", "Api-Key a.b", "Bearer x", "Api-Key \x00.\x00"])
    def test_without_a_good_key_nothing_is_answered(self, header: str | None) -> None:
        headers = {} if header is None else {"Authorization": header}
        response = Client().post("/api/v1/quotes", "{}", content_type="application/json", headers=headers)
        assert refusal(response) in {(401, "not-authenticated"), (401, "key-not-accepted")}
        assert response["WWW-Authenticate"] == "Api-Key"

    def test_revoked_expired_and_switched_off_keys_are_refused_alike(self) -> None:
        ChannelFactory(web=True)
        revoked, revoked_text = partner_key()
        ApiKey.objects.filter(pk=revoked.pk).update(revoked=True)
        _expired, expired_text = partner_key(expiry_date=timezone.now() - datetime.timedelta(1))
        off, off_text = partner_key(partner="other")
        off.partner.is_active = False
        off.partner.save()
        for text in (revoked_text, expired_text, off_text):
            assert refusal(PartnerClient(text).post("quotes", BASKET)) == (401, "key-not-accepted")

    def test_a_scope_is_needed(self) -> None:
        _row, text = partner_key(scopes=["quotes"])
        assert refusal(PartnerClient(text).post("redemptions", {})) == (403, "missing-scope")

    def test_another_channel_or_store_is_refused(self) -> None:
        ChannelFactory(web=True)
        _row, text = partner_key(channels=("web",), store_keys=["s-1"])
        client = PartnerClient(text)
        assert refusal(client.post("quotes", {**BASKET, "channel": "store"})) == (403, "channel-not-yours")
        assert refusal(client.post("quotes", {**BASKET, "store": "s-2"})) == (403, "store-not-yours")

    def test_another_partners_redemption_is_not_there(self) -> None:
        IncentiveFactory()
        mine, other = (PartnerClient(partner_key(partner=name)[1]) for name in ("mine", "other"))
        made = mine.post("redemptions", {**BASKET, "order": {"id": "1"}}).json()
        assert mine.get(f"redemptions/{made['id']}").status_code == 200
        assert refusal(other.get(f"redemptions/{made['id']}")) == (404, "redemption-unknown")
        assert refusal(other.post(f"redemptions/{made['id']}/returns", {"everything": True})) == (404, "redemption-unknown")

    def test_paths_answer_with_and_without_a_slash_and_never_redirect(self) -> None:
        ChannelFactory(web=True)
        client = PartnerClient(partner_key()[1])
        assert [client.post(path, BASKET).status_code for path in ("quotes", "quotes/")] == [200, 200]

    @override_settings(API_RATE=(1, 5))
    def test_a_key_may_call_so_often_and_no_more(self) -> None:
        ChannelFactory(web=True)
        client = PartnerClient(partner_key()[1])
        responses = [client.post("quotes", BASKET) for _ in range(8)]
        assert [response.status_code for response in responses][:5] == [200] * 5
        last = responses[-1]
        assert refusal(last) == (429, "too-many-requests")
        assert int(last["Retry-After"]) >= 1
        assert last["RateLimit"].startswith('"key";r=0')

    @pytest.mark.parametrize(
        ("raw", "expected"),
        [
            (b"{", (400, "malformed-json")),
            (b"\xff\xfe", (400, "malformed-json")),
            (b"[" * 100_000, (422, "invalid")),
            (b'{"a": NaN}', (400, "malformed-json")),
            (b"[1]", (422, "invalid")),
            (b" " * (2 * 1024 * 1024 + 1), (413, "body-too-large")),
        ],
    )
    def test_a_hostile_body_is_refused(self, raw: bytes, expected: tuple[int, str]) -> None:
        ChannelFactory(web=True)
        assert refusal(PartnerClient(partner_key()[1]).post("quotes", raw=raw)) == expected


@pytest.mark.django_db
class TestRepeatedCalls:
    def test_the_same_key_and_body_replays_the_answer(self) -> None:
        LimitFactory(maximum=5)
        client = PartnerClient(partner_key()[1])
        body = {**BASKET, "order": {"id": "1"}}
        first, second = (client.post("redemptions", body, key="k-1") for _ in range(2))
        assert (first.status_code, second.status_code) == (201, 201)
        assert first.json() == second.json()
        assert "Idempotent-Replayed" not in first
        assert second["Idempotent-Replayed"] == "true"
        assert Redemption.objects.count() == 1

    def test_the_same_key_with_another_body_is_refused(self) -> None:
        IncentiveFactory()
        client = PartnerClient(partner_key()[1])
        client.post("redemptions", {**BASKET, "order": {"id": "1"}}, key="k-1")
        again = client.post("redemptions", {**BASKET, "order": {"id": "2"}}, key="k-1")
        assert refusal(again) == (422, "idempotency-key-reused")

    def test_a_key_is_needed_and_must_be_plain(self) -> None:
        client = PartnerClient(partner_key()[1])
        for key in (" ", "x" * 256, "ä"):
            assert refusal(client.post("redemptions", {**BASKET, "order": {"id": "1"}}, key=key)) == (
                422,
                "idempotency-key-missing",
            )

    def test_a_refusal_is_not_kept(self) -> None:
        client = PartnerClient(partner_key()[1])
        ChannelFactory(web=True)
        body = {**BASKET, "order": {"id": "1"}}
        assert refusal(client.post("redemptions", body, key="k-1")) == (409, "nothing-to-redeem")
        assert not IdempotentReply.objects.exists()
        IncentiveFactory()
        assert client.post("redemptions", body, key="k-1").status_code == 201


@pytest.mark.django_db(transaction=True)
def test_twenty_posts_at_once_with_one_key_make_one_redemption() -> None:
    IncentiveFactory()
    _row, text = partner_key()
    gate = threading.Barrier(20)

    def post(_: int) -> tuple[int, str, bool]:
        client = PartnerClient(text)
        try:
            gate.wait(timeout=60)
            response = client.post("redemptions", {**BASKET, "order": {"id": "1"}}, key="one-key")
            return response.status_code, response.json().get("id", ""), "Idempotent-Replayed" in response
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(post, range(20)))
    assert {status for status, _id, _replayed in answers} == {201}
    assert len({redemption for _status, redemption, _replayed in answers}) == 1
    assert sum(replayed for _status, _id, replayed in answers) == 19
    assert Redemption.objects.count() == 1
