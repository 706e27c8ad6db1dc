"""The compiled catalogue: never older than the database, looked at only where something could match."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns import operations, queries
from campaigns.models import CatalogueVersion
from campaigns.queries import catalogue
from campaigns.rules.basket import Basket, Line
from campaigns.tests.factories import CampaignFactory, GrantFactory, IncentiveFactory, LimitFactory
from customers.models import Customer
from customers.tests.factories import NOON, ChannelFactory, CustomerFactory

pytestmark = pytest.mark.django_db
SHOES = Basket("USD", (Line("1", "boot", 1, 1_000, categories=("shoes",)),))


def asking(customer: Customer | None = None, sent: tuple[str, ...] = ()) -> queries.CandidateSet:
    return queries.candidates(basket=SHOES, channel="store", customer=customer, sent=sent, now=NOON)


def names(found: queries.CandidateSet) -> list[str]:
    return sorted(candidate.name for candidate in found.candidates)


def only(**include: list[str]) -> dict[str, Any]:
    return {"type": "percent_off", "percent": "10", "target": {"scope": "lines", "include": include}}


def test_every_change_of_what_is_promised_renumbers_it() -> None:
    incentive = IncentiveFactory()
    limit = LimitFactory(incentive=incentive)
    numbers = [catalogue.version_now()]
    changes: list[Any] = [
        lambda: operations.pause(campaign=incentive.campaign, by="x"),
        lambda: operations.resume(campaign=incentive.campaign, by="x", now=NOON),
        lambda: type(limit).objects.update(maximum=3),
        lambda: incentive.campaign.channels.clear(),
        lambda: ChannelFactory(key="kiosk"),
        lambda: limit.delete(),
    ]
    for change in changes:
        change()
        numbers.append(catalogue.version_now())
    assert len(set(numbers)) == len(numbers)
    assert CatalogueVersion.objects.count() == 1


def test_it_is_compiled_anew_only_when_it_changed() -> None:
    IncentiveFactory(name="first")
    asking()
    first = catalogue.kept()
    assert names(asking()) == ["first"]
    assert catalogue.kept() is first
    IncentiveFactory(name="second")
    assert names(asking()) == ["first", "second"]
    assert catalogue.kept() is not first


def test_only_what_could_match_is_looked_at() -> None:
    IncentiveFactory(name="everything")
    IncentiveFactory(name="boots", effect=only(skus=["boot"]))
    IncentiveFactory(name="shoes", effect=only(categories=["shoes", "hats"]))
    IncentiveFactory(name="hats", effect=only(categories=["hats"]))
    IncentiveFactory(name="vip", conditions={"all": [{"fact": "customer.tier", "op": "==", "value": "gold"}]})
    IncentiveFactory(name="needs a hat", conditions={"all": [{"fact": "basket.categories", "op": "has", "value": "hats"}]})
    IncentiveFactory(name="elsewhere", campaign=CampaignFactory(live=True, channels=[ChannelFactory(web=True)]))
    assert names(asking()) == ["boots", "everything", "shoes"]
    assert names(asking(CustomerFactory(traits={"tier": "gold"}))) == ["boots", "everything", "shoes", "vip"]


def test_codes_of_what_is_not_live_are_known_and_refused_with_the_reason() -> None:
    grant = GrantFactory()
    operations.pause(campaign=grant.incentive.campaign, by="x")
    assert asking(grant.customer).candidates == ()
    operations.resume(campaign=grant.incentive.campaign, by="x", now=NOON)
    (candidate,) = asking(grant.customer).candidates
    assert candidate.grant == str(grant.public_id)


def test_one_query_is_enough_when_nothing_has_changed() -> None:
    for n in range(30):
        LimitFactory(incentive=IncentiveFactory(name=str(n)))
    asking()
    with CaptureQueriesContext(connection) as captured:
        assert len(asking().candidates) == 30
    assert len(captured) == 1
