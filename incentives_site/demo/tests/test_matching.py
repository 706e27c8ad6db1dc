"""What the data tell of a coupon's use, and where they do not."""

import datetime as dt

from incentives_site.demo.mailings import CouponUse
from incentives_site.demo.matching import Basket, CouponLine, match

DAY = dt.date(2017, 3, 9)
AT = dt.datetime(2017, 3, 9, 20, tzinfo=dt.UTC)
PRODUCTS = {1: {111: [10, 11], 222: [11, 12]}}


def use(upc: int = 111, *, row: int = 0, nth: int = 1) -> CouponUse:
    return CouponUse(row, 900, upc, 1, DAY, nth)


def basket(key: int, *lines: CouponLine) -> Basket:
    return Basket(key, 900, 330, AT, paid=5000, coupon_discount=sum(line.discount for line in lines), coupon_lines=list(lines))


def there(*baskets: Basket) -> dict[tuple[int, dt.date], list[Basket]]:
    return {(900, DAY): list(baskets)}


def test_the_basket_with_a_discounted_product_of_the_coupon_is_meant() -> None:
    [found] = match([use()], PRODUCTS, there(basket(1), basket(2, CouponLine(0, 10, 75))))
    assert found.basket is not None
    assert (found.basket.key, found.amount) == (2, 75)
    assert found.redeemed_at == AT


def test_two_fitting_baskets_tell_nothing() -> None:
    [found] = match([use()], PRODUCTS, there(basket(1, CouponLine(0, 11, 50)), basket(2, CouponLine(0, 10, 75))))
    assert (found.basket, found.amount) == (None, None)


def test_the_only_basket_of_the_day_is_meant_though_no_line_fits() -> None:
    [found] = match([use()], PRODUCTS, there(basket(1, CouponLine(0, 99, 50))))
    assert found.basket is not None
    assert found.amount is None


def test_without_a_known_basket_the_use_stands_at_noon_of_its_date() -> None:
    [found] = match([use()], PRODUCTS, there(basket(1), basket(2)))
    assert found.basket is None
    assert found.redeemed_at.isoformat() == "2017-03-09T12:00:00-05:00"


def test_two_lines_that_may_be_meant_leave_the_amount_open() -> None:
    [found] = match([use()], PRODUCTS, there(basket(1, CouponLine(0, 10, 50), CouponLine(1, 11, 60))))
    assert found.basket is not None
    assert found.amount is None


def test_a_line_that_two_coupons_claim_is_given_to_neither() -> None:
    first, second = match([use(111), use(222, row=1)], PRODUCTS, there(basket(1, CouponLine(0, 11, 50))))
    assert (first.amount, second.amount) == (None, None)


def test_each_coupon_with_a_line_of_its_own_gets_its_amount() -> None:
    first, second = match([use(111), use(222, row=1)], PRODUCTS, there(basket(1, CouponLine(0, 10, 50), CouponLine(4, 12, 60))))
    assert (first.amount, second.amount) == (50, 60)
