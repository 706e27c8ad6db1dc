"""Which lines and shipping methods a target means."""

from typing import Any

import pytest

from campaigns.rules.basket import EVERYTHING, Basket, Filter, Line, Shipping
from campaigns.rules.effects import Scope, Target
from campaigns.rules.matching import Matcher

GOODS = Basket(
    "USD",
    (
        Line("1", "boot", 1, 5_000, ("shoes", "winter"), "Kora", attributes={"colour": "red"}),
        Line("2", "sock", 1, 500, ("clothes", "winter"), "Alba"),
        Line("3", "book", 1, 2_000, ("books",), discountable=False),
        Line("4", "boot", 1, 4_000, ("shoes", "shoes"), "Alba"),
    ),
    (Shipping("express", 900), Shipping("post", 400)),
)


def words(*entries: str) -> frozenset[str]:
    return frozenset(entries)


@pytest.mark.parametrize(
    ("wanted", "lines"),
    [
        ({}, [0, 1, 2, 3]),
        ({"skus": words("boot")}, [0, 3]),
        ({"skus": words("sock", "boot", "hat")}, [0, 1, 3]),
        ({"skus": words("hat")}, []),
        ({"categories": words("winter")}, [0, 1]),
        ({"categories": words("books", "shoes")}, [0, 2, 3]),
        ({"categories": words("shoes"), "brands": words("Alba")}, [3]),
        ({"categories": words("winter"), "skus": words("boot")}, [0]),
        ({"skus": words("boot"), "lines": words("4")}, [3]),
        ({"skus": words("boot"), "attributes": (("colour", words("red", "blue")),)}, [0]),
        ({"attributes": (("colour", words("blue")),)}, []),
        ({"categories": words("shoes"), "price_from": 5_000}, [0]),
        ({"categories": words("shoes"), "price_to": 4_000}, [3]),
        ({"categories": words("shoes"), "price_to": 3_999}, []),
        ({"price_from": 500, "price_to": 2_000}, [1, 2]),
        ({"brands": words("Alba")}, [1, 3]),
        ({"lines": words("2", "3")}, [1, 2]),
    ],
)
def test_a_line_must_match_everything_that_is_named(wanted: dict[str, Any], lines: list[int]) -> None:
    matcher = Matcher(GOODS)
    assert matcher.filtered(Filter(**wanted)) == lines
    assert matcher.lines(Target(Scope.LINES, Filter(**wanted))) == [line for line in lines if line != 2]


def test_what_is_excluded_is_left_out() -> None:
    matcher, winter = Matcher(GOODS), Filter(categories=words("winter"))
    assert matcher.lines(Target(Scope.ORDER, exclude=winter)) == [3]
    assert matcher.lines(Target(Scope.ORDER, Filter(skus=words("boot")), winter)) == [3]
    assert matcher.lines(Target(Scope.ORDER, EVERYTHING, Filter(skus=words("hat")))) == [0, 1, 3]


def test_everything_leaves_out_what_is_not_discountable() -> None:
    matcher = Matcher(GOODS)
    assert matcher.lines(Target()) == matcher.lines(Target(include=Filter())) == [0, 1, 3]
    assert Matcher(Basket("USD", GOODS.lines[:2])).lines(Target()) == [0, 1]


def test_shipping_and_goods_are_never_meant_together() -> None:
    matcher = Matcher(GOODS)
    assert matcher.lines(Target(Scope.SHIPPING)) == []
    assert matcher.lines(Target(Scope.SHIPPING, Filter(skus=words("boot")))) == []
    assert matcher.shipping(Target(Scope.ORDER)) == []
    assert matcher.shipping(Target(Scope.SHIPPING)) == [0, 1]


def test_shipping_is_meant_by_its_method() -> None:
    matcher = Matcher(GOODS)
    assert matcher.shipping(Target(Scope.SHIPPING, Filter(methods=words("post", "pickup")))) == [1]
    assert matcher.shipping(Target(Scope.SHIPPING, exclude=Filter(methods=words("post")))) == [0]


def test_targets_that_are_alike_do_not_get_in_each_others_way() -> None:
    matcher = Matcher(GOODS)
    boots, socks = (Target(Scope.LINES, Filter(skus=words(sku), price_from=1)) for sku in ("boot", "sock"))
    assert [matcher.lines(target) for target in (boots, socks, boots, socks)] == [[0, 3], [1], [0, 3], [1]]
