"""What a quote says of incentives as an operator built them: currencies, awards, own sentences, units."""

from typing import Any

import pytest

from campaigns.models import Limit, Measure
from campaigns.rules.candidates import OnShort
from campaigns.tests.factories import CampaignFactory, IncentiveFactory
from customers.tests.factories import NOON, ChannelFactory
from redemptions import operations
from redemptions.operations import Request
from redemptions.tests.factories import lines

pytestmark = pytest.mark.django_db

BOTH = {"type": "amount_off", "amount": {"EUR": 450, "USD": 500}}


def quoted(currency: str = "USD", *, now: Any = NOON, **basket: Any) -> dict[str, Any]:
    request = Request(currency=currency, basket=basket or lines(10_000), channel=ChannelFactory().key)
    return operations.quote(request, now=now).data


@pytest.mark.parametrize(("currency", "amount"), [("USD", 500), ("EUR", 450)])
def test_amounts_by_currency_are_given_in_each_of_them(currency: str, amount: int) -> None:
    IncentiveFactory(effect=BOTH, campaign=CampaignFactory(live=True, currency="EUR"))
    assert quoted(currency)["totals"]["discount"] == amount


def test_other_currencies_are_refused() -> None:
    IncentiveFactory(effect=BOTH, campaign=CampaignFactory(live=True, currency="EUR"))
    IncentiveFactory(campaign=CampaignFactory(live=True, currency="EUR"))
    decision = quoted("GBP")
    assert [row["code"] for row in decision["inapplicable"]] == ["wrong-currency", "wrong-currency"]
    assert decision["totals"]["discount"] == 0


def test_awards_by_currency_are_refused_in_others_too() -> None:
    award = {"type": "points", "points": 1, "per": {"EUR": 100, "USD": 110}}
    IncentiveFactory(effect={}, awards=[award], campaign=CampaignFactory(live=True, currency="EUR"))
    (applied,) = quoted("USD")["applied"]
    assert applied["awards"] == [{"type": "points", "points": 90}]
    assert quoted("GBP")["inapplicable"][0]["code"] == "wrong-currency"


def test_the_operators_sentence_is_said_and_the_code_stays() -> None:
    far = {"all": [{"fact": "basket.initial_total", "op": ">=", "value": 20_000}]}
    IncentiveFactory(conditions=far, sentences={"condition-not-met": {"en": "From 200 on."}})
    (refused,) = quoted()["inapplicable"]
    assert (refused["code"], refused["message"], refused["missing"]) == ("condition-not-met", "From 200 on.", 10_000)


def test_a_limit_of_units_gives_what_is_left() -> None:
    effect = {"type": "percent_off", "percent": "10", "target": {"scope": "lines"}}
    incentive = IncentiveFactory(effect=effect)
    Limit.objects.create(incentive=incentive, measure=Measure.UNITS, maximum=2, on_short=OnShort.CLIP.value)
    basket = {"lines": [{"id": "1", "sku": "a", "quantity": 5, "unit_price": 1000}]}
    (applied,) = quoted(**basket)["applied"]
    assert (applied["amount"], applied["units"]) == (200, {"given": 2, "wanted": 5})
