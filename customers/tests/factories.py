"""The plain valid rows of customers; traits are their states."""

import datetime

import factory

from customers.models import Channel, Customer, Identity, Store


class ChannelFactory(factory.django.DjangoModelFactory[Channel]):
    class Meta:
        model = Channel
        django_get_or_create = ("key",)

    key = "store"
    name = factory.LazyAttribute(lambda o: o.key.replace("-", " ").capitalize())
    kind = "store"
    identity_kind = "loyalty_card"

    class Params:
        web = factory.Trait(key="web", kind="web", identity_kind="user_id", can_message=True)
        mail = factory.Trait(key="mail", kind="mail", can_redeem=False, identity_kind="")


class StoreFactory(factory.django.DjangoModelFactory[Store]):
    class Meta:
        model = Store

    key = factory.Sequence(lambda n: f"store-{n}")
    name = factory.Sequence(lambda n: f"Store {n}")
    channel = factory.SubFactory(ChannelFactory)


class CustomerFactory(factory.django.DjangoModelFactory[Customer]):
    class Meta:
        model = Customer

    display_name = factory.Sequence(lambda n: f"Customer {n}")


class IdentityFactory(factory.django.DjangoModelFactory[Identity]):
    class Meta:
        model = Identity

    customer = factory.SubFactory(CustomerFactory)
    kind = "loyalty_card"
    value = factory.Sequence(lambda n: f"CARD{n:06d}")


NOON = datetime.datetime(2026, 11, 21, 12, tzinfo=datetime.UTC)
