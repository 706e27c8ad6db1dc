"""The plain valid rows of campaigns; traits are their states."""

import datetime
from typing import Any

import factory

from campaigns.models import Campaign, Goal, Grant, Incentive, Limit, Measure, Per, StackGroup, Status
from customers.tests.factories import NOON, ChannelFactory, CustomerFactory


class StackGroupFactory(factory.django.DjangoModelFactory[StackGroup]):
    class Meta:
        model = StackGroup
        django_get_or_create = ("key",)

    key = "default"
    name = "Combines with others"

    class Params:
        exclusive = factory.Trait(key="exclusive", name="Applies alone", eligibility="exclusive", rank=10, limit=1)
        always = factory.Trait(key="always", name="Always applies", eligibility="always", rank=200)


class CampaignFactory(factory.django.DjangoModelFactory[Campaign]):
    class Meta:
        model = Campaign
        skip_postgeneration_save = True

    name = factory.Sequence(lambda n: f"Campaign {n}")
    goal = Goal.SALES
    currency = "USD"

    class Params:
        live = factory.Trait(
            status=Status.LIVE,
            starts_at=NOON - datetime.timedelta(days=30),
            launched_at=NOON - datetime.timedelta(days=30),
        )

    @factory.post_generation
    def channels(self, create: bool, extracted: Any, **_: Any) -> None:
        """Web and store, unless told otherwise."""
        if create:
            chosen = extracted if extracted is not None else [ChannelFactory(), ChannelFactory(web=True)]
            self.channels.set(chosen)  # type: ignore[attr-defined]


class IncentiveFactory(factory.django.DjangoModelFactory[Incentive]):
    class Meta:
        model = Incentive

    campaign = factory.SubFactory(CampaignFactory, live=True)
    key = factory.Sequence(lambda n: f"incentive-{n}")
    name = factory.Sequence(lambda n: f"Incentive {n}")
    effect = factory.LazyFunction(lambda: {"type": "percent_off", "percent": "10"})
    stack_group = factory.SubFactory(StackGroupFactory)

    class Params:
        granted = factory.Trait(claim="grant")


class LimitFactory(factory.django.DjangoModelFactory[Limit]):
    class Meta:
        model = Limit

    incentive = factory.SubFactory(IncentiveFactory)
    measure = Measure.USES
    per = Per.TOTAL
    maximum = 10


class GrantFactory(factory.django.DjangoModelFactory[Grant]):
    class Meta:
        model = Grant

    customer = factory.SubFactory(CustomerFactory)
    incentive = factory.SubFactory(IncentiveFactory, granted=True)
    channel = factory.SubFactory(ChannelFactory, web=True)
    occasion = factory.Sequence(lambda n: f"occasion-{n}")
    starts_at = granted_at = NOON - datetime.timedelta(days=1)
