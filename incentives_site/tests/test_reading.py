"""What makes calls quick must read as the framework reads: forms that are kept, rows of raw statements."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.utils import translation
from rest_framework import serializers

from campaigns.models import Campaign
from campaigns.tests.factories import CampaignFactory
from customers.models import Customer
from customers.tests.factories import CustomerFactory
from incentives_site.integrations.models import ApiKey
from incentives_site.integrations.queries import find_key
from incentives_site.integrations.tests.factories import partner_key
from incentives_site.shared.rows import columns, row_as
from redemptions.api.serializers import QuoteRequest, RedemptionRequest

BODIES: list[Any] = [
    {"currency": "USD", "basket": {"lines": []}, "codes": ["A", "B"], "at": "2030-01-01T00:00:00+02:00"},
    {"basket": {}, "customer": {"identity": {"kind": "email", "value": " a@b.co "}}, "store": "s"},
    {"basket": {}, "customer": None},
    {"basket": {}, "customer": {"id": "x"}, "order": {"id": "1"}, "expected_discount": 5},
    {"basket": {}, "customer": {"id": "x", "identity": {"kind": "email", "value": "a"}}},
    {"basket": {}, "customer": {"identity": {"kind": "email", "valu": "a"}}},
    {"basket": [], "codes": "A"},
    {"basket": {}, "codes": ["x"] * 31},
    {"basket": {}, "codes": ["x" * 201], "channel": "c" * 65, "currency": "USDX"},
    {"basket": {}, "at": "soon", "order": {"id": ""}, "expected_discount": -1, "accept_changes": "perhaps"},
    {"basket": {}, "typo": 1},
    {},
    None,
    [1],
    "text",
]


def read_by(read: Any) -> Any:
    try:
        return dict(read())
    except serializers.ValidationError as error:
        return error.get_full_details()


@pytest.mark.parametrize("form", [QuoteRequest, RedemptionRequest])
def test_a_kept_form_reads_as_one_made_for_the_call(form: Any) -> None:
    def fresh(body: Any) -> Any:
        made = form(data=body)
        made.is_valid(raise_exception=True)
        return made.validated_data

    for _again in range(2):
        for body in BODIES:
            assert read_by(lambda body=body: form.read(body)) == read_by(lambda body=body: fresh(body))


def test_it_remembers_no_language() -> None:
    body = {"basket": {}, "codes": ["x"] * 31, "currency": "USDX", "customer": {"id": "x" * 65}}
    said = {}
    for language in ("en", "it", "en", "de"):
        with translation.override(language), pytest.raises(serializers.ValidationError) as refused:
            QuoteRequest.read(body)
        said.setdefault(language, str(refused.value.detail))
        assert said[language] == str(refused.value.detail)
    assert len(set(said.values())) == 3


def test_threads_may_share_it() -> None:
    bodies = BODIES * 40
    expected = [str(read_by(lambda body=body: QuoteRequest.read(body))) for body in BODIES] * 40
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda body: str(read_by(lambda: QuoteRequest.read(body))), bodies))
    assert found == expected


@pytest.mark.django_db
def test_a_row_is_the_model_that_django_reads() -> None:
    CustomerFactory(traits={"tier": "gold", "n": [1, 2.5, None]}, facts={"é": {"a": 1}}, language="it")
    CampaignFactory(live=True)
    partner_key(store_keys=["s-1", "s-2"])
    for model in (Customer, Campaign, ApiKey):
        expected = model._default_manager.get()
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {columns(model, 't')} FROM {model._meta.db_table} t")  # noqa: S608
            found = row_as(model, cursor.fetchone())
        values = [
            {field.attname: getattr(row, field.attname) for field in model._meta.concrete_fields} for row in (expected, found)
        ]
        assert values[0] == values[1]
        assert {type(value) for value in values[0].values()} == {type(value) for value in values[1].values()}
        assert (found._state.adding, found._state.db) == (False, "default")


@pytest.mark.django_db
def test_a_key_comes_with_its_partner() -> None:
    row, text = partner_key(scopes=["quotes"])
    found = find_key(text)
    assert found is not None
    assert (found, found.partner, found.scopes, found.channel_keys) == (row, row.partner, ["quotes"], ["web", "store"])
