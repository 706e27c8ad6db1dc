"""Random events of a public key change nothing that anybody but their sender sees.

``EXAMPLES=10000 pytest incentives_site/tests/test_public_keys.py`` tries more of them.
"""

import datetime as dt
import difflib
import os
import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from campaigns import operations
from campaigns.queries import wallet_url
from campaigns.tests.factories import IncentiveFactory
from customers.api import ingestion
from customers.models import Consent, Customer, Purchase, Source
from customers.queries import preferences_url
from customers.rules import protocol
from customers.tests.factories import NOON, ChannelFactory, IdentityFactory
from customers.tests.test_trust import ATTACKER, PUBLIC, VICTIM, known, send, token

pytestmark = pytest.mark.django_db

EXAMPLES = int(os.environ.get("EXAMPLES", "25"))
# What is another on each load of a page, and the time at which a wallet was loaded.
_ONCE = re.compile(r'csrf[^>]*|"X-CSRFToken": *"[^"]*"|nonce="[^"]*"|<p[^>]*data-wallet-offline.*?</p>', re.DOTALL)


_IDS = st.sampled_from(["ann", "ben", "eve", "a1", "a2", "a3", "new", VICTIM, ATTACKER, "7", "+4940555014"])
_TRAITS = st.dictionaries(
    st.sampled_from(["email", "phone", "name", "vip", "unsubscribed", "email_subscribe", "language"]),
    st.one_of(_IDS, st.booleans(), st.none(), st.just("opted_in")),
    max_size=3,
)
_EVENTS = st.fixed_dictionaries(
    {"type": st.sampled_from(sorted(protocol.TYPES))},
    optional={
        "event": st.sampled_from(["Order Completed", "Subscribed", "Unsubscribed", "Signed In", "Order Refunded"]),
        "userId": _IDS,
        "anonymousId": _IDS,
        "previousId": _IDS,
        "groupId": _IDS,
        "traits": _TRAITS,
        "properties": st.fixed_dictionaries({}, optional={"order_id": _IDS, "total": st.just(10**6), "channel": st.just("web")}),
        "context": st.fixed_dictionaries(
            {},
            optional={
                "traits": _TRAITS,
                "locale": st.sampled_from(["fr-FR", "de"]),
                "timezone": st.just("Asia/Tokyo"),
                "device": st.fixed_dictionaries({"id": _IDS}),
                "externalIds": st.lists(
                    st.fixed_dictionaries(
                        {"type": st.sampled_from(["email", "user_id", "loyalty_card", "shop", "anonymous_id"]), "id": _IDS}
                    ),
                    max_size=2,
                ),
                # The attacker has an account of their own, so the shop signs them a token as to anybody.
                "customerToken": st.sampled_from(["eve", "junk", "stale"]),
            },
        ),
    },
)


def test_random_events_of_public_keys_change_nothing_that_another_link_holder_sees() -> None:
    ingestion._sources.clear()
    web = ChannelFactory(web=True)
    source = Source.objects.create(trust="browser", key="pages", name="Pages", channel=web, write_key=PUBLIC)
    ann, ben, shy, eve = known("user_id", "ann"), known("email", VICTIM), known("anonymous_id", "a2"), known("user_id", "eve")
    IdentityFactory(customer=ann, kind="anonymous_id", value="a1")
    IdentityFactory(customer=ben, kind="loyalty_card", value="7")
    incentive = IncentiveFactory(granted=True)
    others = [ann, ben, shy]  # the last is no more than a visitor, who was promised something
    for one in (*others, eve):
        operations.grant(customer=one, incentive=incentive, channel=web, by="test", now=NOON, reason="purchase")
    Customer.objects.filter(pk=ann.pk).update(language="it")
    links = [url(Customer.objects.get(pk=one.pk)) for one in others for url in (wallet_url, preferences_url)]
    before = seen(links)
    assert [status for status, _language, _page in before] == [200] * 6
    tokens = {
        "eve": token(source, sub="eve", email=ATTACKER),
        "junk": "a.b.c",
        "stale": token(source, sub="ann", at=NOON - dt.timedelta(days=1)),
    }

    @settings(max_examples=EXAMPLES, phases=[Phase.generate], suppress_health_check=list(HealthCheck), deadline=None)
    @given(batches=st.lists(st.lists(_EVENTS, min_size=1, max_size=4), min_size=1, max_size=3))
    def attack(batches: list[list[dict[str, Any]]]) -> None:
        with transaction.atomic():
            for batch in batches:
                assert send(*(with_token(event, tokens) for event in batch), REMOTE_ADDR="").status_code == 200
            after = seen(links)
            for one, other in zip(after, before, strict=True):
                assert one[:2] == other[:2]
                assert not list(difflib.unified_diff(one[2].splitlines(), other[2].splitlines(), n=0))
            assert not Customer.objects.filter(pk__in=[one.pk for one in others], forwarded_to__isnull=False).exists()
            assert not Purchase.objects.exists()
            assert not Consent.objects.exclude(customer=eve).exclude(customer__forwarded_to=eve).exists()
            transaction.set_rollback(True)

    attack()


def with_token(event: dict[str, Any], tokens: dict[str, str]) -> dict[str, Any]:
    context = event.get("context", {})
    if "customerToken" not in context:
        return event
    return {**event, "context": {**context, "customerToken": tokens[context["customerToken"]]}}


def seen(links: list[str]) -> list[tuple[int, str | None, str]]:
    """What the holder of each link sees."""
    found = []
    for link in links:
        response = Client().get(urlsplit(link).path)
        found.append((response.status_code, response.get("Content-Language"), _ONCE.sub("", response.content.decode())))
    return found
