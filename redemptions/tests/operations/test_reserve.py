"""Reservations hold what an order will use: nobody else gets it, it ends once, and the books are in order all the while."""

import datetime
from typing import Any

import pytest

from campaigns import operations as campaign_operations
from campaigns.models import Grant, GrantState, LimitCounter, LoyaltyProgramme, Measure
from campaigns.tests.factories import IncentiveFactory, LimitFactory
from customers.tests.factories import NOON, ChannelFactory, CustomerFactory, StoreFactory
from incentives_site.integrations.tests.factories import PartnerClient, partner_key
from incentives_site.shared.problems import Invalid
from redemptions import operations, queries
from redemptions.models import Account, AccountKind, Redemption, Reservation, ReservationState
from redemptions.tests.factories import lines, request_for

pytestmark = pytest.mark.django_db
MINUTE = datetime.timedelta(minutes=1)
BY: dict[str, Any] = {"source": "till", "by": "user:1", "now": NOON}


def reserve(order: str = "1", **fields: Any) -> Reservation:
    return operations.reserve(fields.pop("request", None) or request_for(), order_key=order, **{**BY, **fields})


def redeem(order: str = "1", **fields: Any) -> Redemption:
    return operations.redeem(fields.pop("request", None) or request_for(), order_key=order, placed_at=None, **{**BY, **fields})


def used() -> int:
    return sum(LimitCounter.objects.values_list("used", flat=True))


def test_what_is_held_is_nobody_elses() -> None:
    LimitFactory(maximum=1)
    reservation = reserve()
    with pytest.raises(operations.NothingToRedeem):
        redeem("2")
    with pytest.raises(operations.NothingToReserve):
        reserve("2")
    assert redeem("1", reservation=reservation).discount == 1_000
    reservation.refresh_from_db()
    assert (reservation.state, used()) == (ReservationState.REDEEMED, 1)
    assert queries.prove() == []


def test_a_second_one_for_the_order_replaces_the_first() -> None:
    LimitFactory(maximum=1_000, measure=Measure.DISCOUNT)
    first = reserve()
    second = reserve(request=request_for(5_000))
    first.refresh_from_db()
    assert (first.state, used()) == (ReservationState.REPLACED, 500)
    with pytest.raises(operations.ReservationEnded):
        redeem(reservation=first)
    # The order grew again: half of what it needs is held, half is free.
    assert redeem(reservation=second).discount == 1_000
    assert used() == 1_000
    assert queries.prove() == []


def test_it_ends_by_release_and_by_time_and_only_once() -> None:
    LimitFactory(maximum=2)
    one, two = reserve("1"), reserve("2", lifetime=2 * MINUTE)
    operations.release(reservation=one, now=NOON)
    with pytest.raises(operations.ReservationEnded):
        operations.release(reservation=one, now=NOON)
    assert used() == 1
    assert operations.expire_reservations(now=NOON + MINUTE) == 0
    assert operations.expire_reservations(now=NOON + 2 * MINUTE) == 1
    assert operations.expire_reservations(now=NOON + 2 * MINUTE) == 0
    with pytest.raises(operations.ReservationEnded):
        redeem("2", reservation=two, now=NOON + 2 * MINUTE)
    assert used() == 0
    assert queries.prove() == []


def test_what_is_over_is_free_before_any_task_has_run() -> None:
    LimitFactory(maximum=1)
    reserve(lifetime=MINUTE)
    with pytest.raises(operations.NothingToRedeem):
        redeem("2", now=NOON + MINUTE / 2)
    assert redeem("3", now=NOON + MINUTE).discount == 1_000
    assert Reservation.objects.get().state == ReservationState.EXPIRED


def test_a_grant_is_reserved_and_comes_back() -> None:
    customer = CustomerFactory()
    incentive = IncentiveFactory(granted=True)
    channel = ChannelFactory(web=True)
    campaign_operations.grant(customer=customer, incentive=incentive, channel=channel, by="key:shop", now=NOON)
    reservation = reserve(request=request_for(customer=customer))
    assert Grant.objects.get().state == GrantState.RESERVED
    with pytest.raises(operations.NothingToRedeem):
        redeem("2", request=request_for(customer=customer))
    assert queries.prove() == []
    operations.release(reservation=reservation, now=NOON)
    assert Grant.objects.get().state == GrantState.HELD
    again = reserve(request=request_for(customer=customer))
    assert redeem(request=request_for(customer=customer), reservation=again).discount == 1_000
    assert Grant.objects.get().state == GrantState.USED
    assert queries.prove() == []


def test_points_and_gift_cards_are_held() -> None:
    LoyaltyProgramme.objects.create(name="P", point_values={"USD": "1"})
    IncentiveFactory()
    customer = CustomerFactory()
    operations.earn(customer=customer, unit="points", amount=600, key="welcome", by="user:1", now=NOON)
    card, code = operations.issue_gift_card(amount=500, currency="USD", key="1", by="user:1", now=NOON)
    tenders = [{"type": "points", "amount": 600}, {"type": "gift_card", "code": code, "amount": 300}]
    reservation = reserve(request=request_for(customer=customer, tenders=tenders))
    points = Account.objects.get(kind=AccountKind.POINTS)
    assert points.balance == 0
    with pytest.raises(operations.DecisionChanged):
        redeem("2", request=request_for(customer=customer, tenders=tenders))
    assert queries.prove() == []
    # Less is paid with the card in the end, the points as held.
    fewer = [{"type": "points", "amount": 600}, {"type": "gift_card", "code": code, "amount": 100}]
    redemption = redeem(request=request_for(customer=customer, tenders=fewer), reservation=reservation)
    assert (redemption.stored_value, redemption.payable) == (700, 10_000 - 1_000 - 700)
    points.refresh_from_db()
    card.account.refresh_from_db()
    assert (points.balance, card.account.balance) == (0, 400)
    operations.give_back(redemption=redemption, by="user:1", now=NOON)
    points.refresh_from_db()
    assert points.balance == 600
    assert queries.prove() == []


def test_a_reservation_is_for_its_order_and_its_source() -> None:
    IncentiveFactory()
    reservation = reserve("1")
    with pytest.raises(Invalid) as refusal:
        redeem("2", reservation=reservation)
    assert [error.pointer for error in refusal.value.errors] == ["/reservation"]
    with pytest.raises(operations.ReservationUnknown):
        operations.reservation_by_public_id(str(reservation.public_id), source="another")
    for lifetime in (datetime.timedelta(0), datetime.timedelta(days=8)):
        with pytest.raises(Invalid):
            reserve("3", lifetime=lifetime)


class TestTheApi:
    def test_a_partner_reserves_redeems_and_returns_a_unit(self) -> None:
        IncentiveFactory()
        ChannelFactory(web=True)
        client = PartnerClient(partner_key(channels=("store",))[1])
        basket = {"lines": [{**lines(1_000)["lines"][0], "quantity": 3}]}
        body = {"currency": "USD", "basket": basket, "order": {"id": "77"}}
        made = client.post("reservations", {**body, "expires_in": 60})
        assert made.status_code == 201, made.content
        assert made.json()["decision"]["totals"]["discount"] == 300
        redeemed = client.post("redemptions", {**body, "reservation": made.json()["id"]}).json()
        assert redeemed["changed"]["paid_with"] == []
        returns = f"redemptions/{redeemed['id']}/returns"
        given = client.post(returns, {"lines": [{"line": "1", "quantity": 1}]}).json()
        assert (given["amount"], given["stored_value"], given["lines"][0]["quantity"]) == (900, 0, 1)
        refused = client.post(returns, {"lines": [{"line": "1", "quantity": 3}]})
        assert [error["code"] for error in refused.json()["errors"]] == ["more-than-bought"]
        for bad in ({}, {"everything": True, "lines": [{"line": "1", "quantity": 1}]}, {"lines": [{"line": "1", "quantity": 0}]}):
            assert client.post(returns, bad).status_code == 422
        assert client.post(returns, {"everything": True}).json()["amount"] == 1_800

    def test_another_partners_reservation_is_unknown(self) -> None:
        IncentiveFactory()
        mine, theirs = PartnerClient(partner_key(channels=("store",))[1]), PartnerClient(partner_key(partner="other")[1])
        ChannelFactory(web=True)
        body = {"currency": "USD", "basket": lines(10_000), "order": {"id": "77"}}
        key = mine.post("reservations", body).json()["id"]
        stolen = theirs.post("redemptions", {**body, "channel": "store", "reservation": key})
        assert (stolen.status_code, stolen.json()["code"]) == (404, "reservation-unknown")
        assert theirs.delete(f"reservations/{key}").status_code == 404
        assert mine.delete(f"reservations/{key}").status_code == 204
        assert mine.delete(f"reservations/{key}").status_code == 204
        assert mine.post("redemptions", {**body, "reservation": key}).json()["code"] == "reservation-ended"

    def test_a_key_uses_replaces_and_releases_reservations_of_its_stores_only(self) -> None:
        LimitFactory(maximum=1)
        mine, theirs = StoreFactory(), StoreFactory()
        at = {store.key: PartnerClient(partner_key(channels=("store",), store_keys=[store.key])[1]) for store in (mine, theirs)}
        body = {"currency": "USD", "basket": lines(10_000), "order": {"id": "1"}}
        made = at[mine.key].post("reservations", body).json()
        assert (made["channel"], made["store"]) == ("store", mine.key)
        other = at[theirs.key]
        for refused in (
            other.delete(f"reservations/{made['id']}"),
            other.post("reservations", body),
            other.post("redemptions", {**body, "reservation": made["id"], "accept_changes": True}),
        ):
            assert (refused.status_code, refused.json()["code"]) == (403, "reservation-of-another-store")
        assert Reservation.objects.get().state == ReservationState.ACTIVE
        assert not Redemption.objects.exists()
        replaced = at[mine.key].post("reservations", body).json()
        used = at[mine.key].post("redemptions", {**body, "reservation": replaced["id"]})
        assert used.status_code == 201, used.content

    def test_a_key_of_another_channel_does_not_release_either_and_one_of_all_stores_does(self) -> None:
        LimitFactory(maximum=1)
        ChannelFactory(web=True)
        store = StoreFactory()
        keys = {
            "store": PartnerClient(partner_key(channels=("store",), store_keys=[store.key])[1]),
            "web": PartnerClient(partner_key(channels=("web",))[1]),
            "all": PartnerClient(partner_key(channels=("web", "store"))[1]),
        }
        body = {"currency": "USD", "basket": lines(10_000), "order": {"id": "1"}}
        key = keys["store"].post("reservations", body).json()["id"]
        assert keys["web"].delete(f"reservations/{key}").json()["code"] == "reservation-of-another-store"
        assert keys["all"].delete(f"reservations/{key}").status_code == 204
        assert Reservation.objects.get().state == ReservationState.RELEASED
        online = keys["web"].post("reservations", body).json()
        assert (online["channel"], online["store"]) == ("web", None)
        assert keys["store"].delete(f"reservations/{online['id']}").status_code == 403

    def test_a_reservation_from_before_it_had_a_store_is_used_as_before(self) -> None:
        LimitFactory(maximum=1)
        reservation = reserve("1", source="shop")
        Reservation.objects.update(channel=None, store=None)
        key = PartnerClient(partner_key(channels=("store",), store_keys=[StoreFactory().key])[1])
        assert key.delete(f"reservations/{reservation.public_id}").status_code == 204
        assert Reservation.objects.get().state == ReservationState.RELEASED
