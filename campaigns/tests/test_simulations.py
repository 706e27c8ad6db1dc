"""Simulations over HTTP: the same answers as the pure function, and refusals of what nobody should have to compute."""

import datetime
import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from campaigns.models import Campaign, Incentive
from campaigns.rules.language import read_simulation
from campaigns.rules.stacking import decide
from campaigns.tests.rules.adapter import points_simulation, sequence_simulation, simulation
from campaigns.tests.rules.test_cases import CORE, EXPIRIES, SEQUENCES
from campaigns.wording import decision_as_data
from customers.tests.factories import ChannelFactory
from incentives_site.integrations.tests.factories import PartnerClient, partner_key

pytestmark = pytest.mark.django_db
AT = "2026-11-21T10:00:00Z"


@pytest.fixture
def client() -> PartnerClient:
    ChannelFactory()
    ChannelFactory(web=True)
    return PartnerClient(partner_key()[1])


def purely(body: Any) -> Any:
    asked = read_simulation(body, now=datetime.datetime(2026, 11, 21, tzinfo=datetime.UTC))
    decision = decide(
        basket=asked.basket,
        candidates=asked.candidates,
        groups=asked.groups,
        policy=asked.policy,
        surroundings=asked.surroundings,
    )
    return json.loads(json.dumps(decision_as_data(decision, {c.key: c.name or c.key for c in asked.candidates})))


def test_the_endpoint_and_the_pure_function_agree_on_every_case(client: PartnerClient) -> None:
    bodies = [simulation(case) for case in CORE] + [points_simulation(case) for case in EXPIRIES]
    bodies += [
        sequence_simulation(case, step["units_bought"], left)
        for case in SEQUENCES
        for step, left in zip(case["expected"]["sequence"], (10, 5, 1), strict=True)
    ]
    for body in bodies:
        asked = {"at": AT, **body}
        answer = client.post("simulations", asked)
        assert answer.status_code == 200, answer.content
        assert answer.json() == purely(asked)


def test_the_language_is_published(client: PartnerClient) -> None:
    document = client.client.get("/api/schema/", headers={"Accept": "application/vnd.oai.openapi+json"}).json()
    [body] = document["paths"]["/api/v1/simulations"]["post"]["requestBody"]["content"].values()
    assert body["schema"] == {"$ref": "#/components/schemas/Simulation"}
    published = Draft202012Validator({**body["schema"], "components": document["components"]})
    assert published.is_valid(simulation(CORE[0]))
    assert not published.is_valid({**simulation(CORE[0]), "incentives": [{"key": "a", "effect": {"type": "magic"}}]})


def nested(depth: int) -> str:
    """As text: a program that nests so deep has to write it by hand too."""
    return '{"all": [' * depth + '{"fact": "basket.quantity", "op": ">", "value": 0}' + "]}" * depth


HALF: dict[str, Any] = {"type": "percent_off", "percent": "50"}
HOSTILE: list[tuple[str, str, str, str]] = [
    # Each: conditions, effect, pointer and code of the refusal.
    (nested(10_000), json.dumps(HALF), "#/conditions" + "/all/0" * 30 + "/all", "too-deep"),
    (nested(60), json.dumps(HALF), "#/conditions" + "/all/0" * 9, "too-deep"),
    (
        json.dumps({"all": [{"fact": "basket.quantity", "op": ">", "value": 0}] * 10_000}),
        json.dumps(HALF),
        "#/conditions",
        "too-many-conditions",
    ),
    (
        json.dumps({"fact": "customer.name", "op": "matches", "value": "(a{100}){100}"}),
        json.dumps(HALF),
        "#/conditions/value",
        "wrong-value",
    ),
    (
        json.dumps({"fact": "customer.name", "op": "matches", "value": "(?=(a+)+)b"}),
        json.dumps(HALF),
        "#/conditions/value",
        "wrong-value",
    ),
    ("null", '{"type": "percent_off", "percent": "100.0001"}', "#/effect/percent", "bad-percentage"),
    ("null", '{"type": "percent_off", "percent": "1e2"}', "#/effect/percent", "bad-percentage"),
    ("null", '{"type": "percent_off", "percent": 1e2}', "#/effect/percent", "bad-percentage"),
    ("null", '{"type": "bundle_price", "amount": 100, "size": 0}', "#/effect/size", "out-of-range"),
    ("null", '{"type": "compound", "effects": ' * 50 + "[]" + "}" * 50, "#/effect/effects", "not-a-list"),
]


@pytest.mark.parametrize(("conditions", "effect", "pointer", "code"), HOSTILE)
class TestHostileInput:
    def test_a_simulation_is_refused(self, client: PartnerClient, conditions: str, effect: str, pointer: str, code: str) -> None:
        raw = (
            '{"currency": "USD", "basket": {"lines": [{"id": "1", "sku": "a", "quantity": 1, "unit_price": 100}]},'
            f'"incentives": [{{"key": "a", "conditions": {conditions}, "effect": {effect}}}]}}'
        )
        answer = client.post("simulations", raw=raw.encode())
        assert answer.status_code == 422
        faults = {(error["pointer"], error["code"]) for error in answer.json()["errors"]}
        assert ("#/incentives/0" + pointer[1:], code) in faults

    def test_a_campaign_is_refused_and_nothing_stored(
        self, client: PartnerClient, conditions: str, effect: str, pointer: str, code: str
    ) -> None:
        raw = (
            '{"name": "Bad", "goal": "sales", "channels": ["web"], "incentives": [{"key": "a", "name": "A", "claim": "automatic",'
            f'"conditions": {conditions}, "effect": {effect}}}]}}'
        )
        answer = client.post("campaigns", raw=raw.encode())
        assert answer.status_code == 422
        faults = {(error["pointer"], error["code"]) for error in answer.json()["errors"]}
        assert ("#/incentives/0" + pointer[1:], code) in faults
        assert not Campaign.objects.exists()
        assert not Incentive.objects.exists()
