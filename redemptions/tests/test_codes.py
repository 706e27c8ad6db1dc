"""Unique codes on orders: used once however many try, given back, and what is said of those that cannot be used."""

import datetime
from typing import Any

import pytest

from campaigns import operations as campaign_operations
from campaigns import sealing
from campaigns.models import Code, CodeBatch, Incentive
from campaigns.tests.factories import IncentiveFactory
from customers.tests.factories import NOON
from redemptions import operations
from redemptions.models import Redemption
from redemptions.queries import proof
from redemptions.tests.factories import request_for
from redemptions.tests.operations.test_under_fire import at_once


def batch_of(incentive: Incentive, **changes: Any) -> CodeBatch:
    terms: dict[str, Any] = {
        "count": 3,
        "pattern": "SUMMER-####-####-##",
        "has_check": True,
        "by": "user:1",
        "now": NOON,
    } | changes
    batch = campaign_operations.order_codes(incentive=incentive, **terms)
    campaign_operations.make_codes(batch_id=batch.pk, clock=lambda: NOON)
    return batch


def texts(batch: CodeBatch) -> list[str]:
    return [sealing.open_batch_seal(batch.public_id, code.sealed) for code in batch.codes.order_by("pk")]


def refusals(*codes: str, **fields: Any) -> dict[str, str]:
    """What is said of the codes that were sent, by code."""
    now = fields.pop("now", NOON)
    data = operations.quote(request_for(codes=codes, **fields), now=now).data
    return {item["sent_code"]: item["code"] for item in data["inapplicable"]}


def redeem(code: str, order: str) -> Redemption:
    request = request_for(codes=[code])
    return operations.redeem(request, source="till", order_key=order, placed_at=None, by="user:1", now=NOON)


@pytest.fixture
def incentive() -> Incentive:
    return IncentiveFactory(claim="code")


@pytest.mark.django_db
class TestReading:
    def test_a_code_opens_its_incentive_however_it_is_typed(self, incentive: Incentive) -> None:
        text = texts(batch_of(incentive))[0]
        for typed in (
            text,
            text.lower(),
            text.replace("-", ""),
            f" {text.replace('-', ' – ')} ",
            "5" + text[1:],
            text.replace("V", "U"),
        ):
            data = operations.quote(request_for(codes=[typed]), now=NOON).data
            assert [item["incentive"] for item in data["applied"]] == [str(incentive.public_id)], typed

    def test_a_typing_error_is_told_from_a_code_that_does_not_exist(self, incentive: Incentive) -> None:
        batch = batch_of(incentive)
        text = texts(batch)[0]
        wrong = text[:-1] + ("A" if text[-1] != "A" else "C")
        whole = campaign_operations.shape_of(batch).fill("ACDEFGHJK")
        impossible = "SUMMER-AC0E-FGHJ-KM"
        assert refusals(wrong, whole, impossible, "nonsense") == {
            wrong: "code-mistyped", whole: "code-unknown", impossible: "code-mistyped", "nonsense": "code-unknown",
        }  # fmt: skip

    def test_codes_that_are_used_or_expired_say_so(self, incentive: Incentive) -> None:
        used, free, _other = texts(batch_of(incentive, expires_at=NOON + datetime.timedelta(days=1)))
        redeem(used, "1")
        assert refusals(used) == {used: "code-used"}
        assert refusals(free, now=NOON + datetime.timedelta(days=1)) == {free: "code-expired"}
        # Of two codes of one incentive, the one that can be used speaks for it.
        assert refusals(free, used) == refusals(used, free) == {}

    def test_codes_that_are_still_being_made_open_nothing(self, incentive: Incentive) -> None:
        batch = batch_of(incentive)
        text = texts(batch)[0]
        CodeBatch.objects.filter(pk=batch.pk).update(state="running")
        assert refusals(text) == {text: "code-unknown"}

    def test_codes_of_grants_typed_with_a_look_alike_are_found(self) -> None:
        granted = IncentiveFactory(granted=True)
        Code.objects.create(incentive=granted, digest=sealing.digest("ACDV-FGHJ-KMNP"), sealed=b"x")
        assert refusals("acdu fghj kmnp") == {"acdu fghj kmnp": "not-holder"}


@pytest.mark.django_db
def test_a_code_is_used_and_given_back_with_the_order(incentive: Incentive) -> None:
    text = texts(batch_of(incentive))[0]
    redemption = redeem(text, "1")
    assert proof.prove() == []
    with pytest.raises(operations.NothingToRedeem) as refused:
        redeem(text, "2")
    assert "already been used" in str(refused.value.detail)
    operations.give_back(redemption=redemption, by="user:1", now=NOON)
    assert Code.objects.get(digest=sealing.digest(text)).used == 0
    redeem(text, "3")
    assert proof.prove() == []
    Code.objects.filter(digest=sealing.digest(text)).update(used=0)
    assert [fault.code for fault in proof.prove()] == ["code-used-unlike-its-redemptions"]


@pytest.mark.django_db(transaction=True)
def test_one_code_is_used_once_however_many_try(incentive: Incentive) -> None:
    batch = batch_of(incentive)
    text = texts(batch)[0]
    assert at_once(20, lambda n: redeem(text, f"order-{n}")) == {"done": 1, "nothing-to-redeem": 19}
    assert sorted(batch.codes.values_list("used", flat=True)) == [0, 0, 1]
    assert proof.prove() == []
