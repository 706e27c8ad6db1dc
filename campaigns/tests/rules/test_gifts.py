"""Bundles and "buy and get" in runs of equal units give, to the cent, what they give unit by unit, and in far fewer steps."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.rules.applying import Outcome, Scene, commit, work_out
from campaigns.rules.basket import EVERYTHING, Basket, Filter, Line
from campaigns.rules.effects import BundlePrice, Buy, BuyGet, Effect, Get, PercentOff, Scope, Target, UnitPick, Units
from campaigns.rules.matching import Matcher
from campaigns.rules.running import Running
from campaigns.rules.work import Work

from . import unit_by_unit

CATEGORIES = ("shoes", "clothes")
filters = st.one_of(
    st.just(EVERYTHING), st.builds(Filter, categories=st.frozensets(st.sampled_from(CATEGORIES), min_size=1, max_size=2))
)
picks = st.sampled_from(list(UnitPick))
percents = st.decimals(0, 100, places=2)
counts = st.integers(1, 9)
lines = st.builds(
    lambda quantity, price, categories, floor, discountable: (quantity, price, tuple(sorted(categories)), floor, discountable),
    st.integers(1, 60),
    st.one_of(st.integers(0, 5_000), st.sampled_from([0, 1, 500, 1_000])),
    st.sets(st.sampled_from(CATEGORIES), max_size=2),
    st.one_of(st.just(0), st.just(0), st.integers(0, 4_000)),
    st.integers(0, 9).map(bool),
)
baskets = st.lists(lines, min_size=1, max_size=6).map(
    lambda found: Basket("USD", tuple(Line(str(n), f"s{n}", q, p, c, "", f, {}, d) for n, (q, p, c, f, d) in enumerate(found)))
)
gets = st.one_of(
    st.builds(Get, filters, counts, percents, pick=picks), st.builds(Get, filters, counts, amount=st.integers(0, 900), pick=picks)
)
buys = st.one_of(st.builds(Buy, filters, quantity=counts), st.builds(Buy, filters, amount=st.integers(1, 20_000)))
caps = st.one_of(st.none(), st.integers(1, 20_000))
deals: st.SearchStrategy[BuyGet | BundlePrice] = st.one_of(
    st.builds(BuyGet, buys, gets, st.booleans(), caps),
    st.builds(BundlePrice, st.integers(0, 9_000), counts, st.booleans(), st.builds(Target, st.just(Scope.LINES), filters), caps),
)
# What has lowered some of the units before, so that lines are in several runs.
earlier = st.lists(
    st.one_of(
        deals,
        st.builds(PercentOff, percents, st.builds(Target, st.sampled_from([Scope.ORDER, Scope.LINES]), filters)),
        st.builds(
            PercentOff,
            percents,
            st.builds(Target, st.just(Scope.LINES), filters, units=st.builds(Units, picks, max_per_order=st.integers(1, 30))),
        ),
    ),
    max_size=3,
)


def both_ways(effect: BuyGet | BundlePrice, scene: Scene) -> tuple[Outcome, Outcome]:
    slow = unit_by_unit.buy_get(effect, scene) if isinstance(effect, BuyGet) else unit_by_unit.bundle(effect, scene)
    return work_out(effect, scene), slow


@given(baskets, earlier, deals, st.one_of(st.none(), st.integers(0, 40)))
def test_runs_give_what_single_units_give(
    what: Basket, before: list[Effect], effect: BuyGet | BundlePrice, most: int | None
) -> None:
    matcher, running = Matcher(what), Running(what, Work(10**9))
    for one in before:
        running = commit(work_out(one, Scene(running, matcher)), running)
    fast, slow = both_ways(effect, Scene(running, matcher, most_units=most))
    assert (list(fast.lines), list(fast.parts), fast.picks, fast.amount, fast.wanted, fast.matched) == (
        list(slow.lines),
        list(slow.parts),
        slow.picks,
        slow.amount,
        slow.wanted,
        slow.matched,
    )


HALF = Decimal(50)


@pytest.mark.parametrize(
    "effect",
    [
        BuyGet(Buy(quantity=2), Get(quantity=1, percent=HALF)),
        BuyGet(Buy(quantity=1), Get(quantity=1, percent=HALF, pick=UnitPick.FIRST)),
        BuyGet(Buy(amount=1), Get(quantity=1, percent=HALF)),
        BuyGet(Buy(quantity=1000), Get(quantity=1000, percent=HALF)),
        BuyGet(Buy(amount=10**9), Get(quantity=1000, percent=HALF)),
        BundlePrice(1, 3),
        BundlePrice(1, 1),
    ],
    ids=repr,
)
def test_the_steps_grow_with_the_lines_and_not_with_the_units(effect: Effect) -> None:
    def steps(count: int, quantity: int) -> int:
        what = Basket("USD", tuple(Line(str(n), f"s{n}", quantity, 1_000 + n * 7 % 997) for n in range(count)))
        work = Work(10**9)
        work_out(effect, Scene(Running(what, work), Matcher(what, work)))
        return work.spent

    assert steps(200, 100) < 60 * 200
    assert steps(200, 5_000) < 60 * 200
    assert steps(800, 100) < 6 * steps(200, 100)
