"""How long a hostile campaign or simulation is looked at before it is refused: the whole request, without the network.

    make bench-refusals

The documents are those of ``campaigns/tests/test_simulations.py``, and a circle of 100 incentives among 10,000. Each is sent
seven times after one for warming up; the median counts. Written to ``var/bench/refusals.json``.

Then the answers to 1,000 valid simulations that ask for as much work as they can (``hostile.py``): each is answered, or refused
as ``too-complex``. Each is sent once, and again up to twice where it was slow, so that what else the machine does at that moment
does not count. The longest and the median are written to ``var/bench/work.json``.
"""

import itertools
import json
import logging
import math
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django

from benchmarks import hostile
from campaigns.rules.work import MOST_STEPS

MOST_MILLISECONDS = 50
MOST_TO_ANSWER = 250  # milliseconds, of hostile simulations that are valid
HOSTILE = 1_000
ROUNDS = 7
INCENTIVES, CIRCLE = 10_000, 100
BASKET = {"lines": [{"id": "1", "sku": "a", "quantity": 1, "unit_price": 100}]}
HALF: dict[str, Any] = {"type": "percent_off", "percent": "50"}


def _nested(depth: int) -> str:
    return '{"all": [' * depth + '{"fact": "basket.quantity", "op": ">", "value": 0}' + "]}" * depth


def _pattern(text: str) -> str:
    return json.dumps({"fact": "customer.name", "op": "matches", "value": text})


def documents() -> dict[str, tuple[str, str]]:
    """Name to conditions and effect, as JSON texts."""
    leaf = {"fact": "basket.quantity", "op": ">", "value": 0}
    half = json.dumps(HALF)
    return {
        "10,000 conditions inside each other": (_nested(10_000), half),
        "60 conditions inside each other": (_nested(60), half),
        "10,000 conditions beside each other": (json.dumps({"all": [leaf] * 10_000}), half),
        "a pattern that unfolds to 10,000 signs": (_pattern("(a{100}){100}"), half),
        "a pattern that looks around": (_pattern("(?=(a+)+)b"), half),
        "100.0001 %": ("null", json.dumps({**HALF, "percent": "100.0001"})),
        "1e2 %": ("null", json.dumps({**HALF, "percent": "1e2"})),
        "a bundle of 0": ("null", json.dumps({"type": "bundle_price", "amount": 100, "size": 0})),
        "50 compounds inside each other": ("null", '{"type": "compound", "effects": ' * 50 + "[]" + "}" * 50),
    }


def measured(send: Callable[[], Any]) -> float:
    """The median of milliseconds; each answer must be a refusal with a pointer."""
    taken = []
    for _round in range(ROUNDS + 1):
        started = time.perf_counter_ns()
        answer = send()
        taken.append((time.perf_counter_ns() - started) / 1e6)
        if answer.status_code != 422 or not answer.json()["errors"][0]["pointer"].startswith("#/"):
            raise SystemExit(f"not refused with a pointer: {answer.status_code} {answer.content[:300]!r}")
    return statistics.median(taken[1:])


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "incentives_site.settings")
    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    logging.disable(logging.WARNING)
    settings.API_RATE = (1_000_000, 1_000_000)
    settings.ALLOWED_HOSTS = ["*"]
    call_command("migrate", verbosity=0)
    from campaigns.models import Campaign, Incentive, StackGroup
    from customers.models import Channel
    from incentives_site.integrations.models import Partner, Scope
    from incentives_site.integrations.tests.factories import PartnerClient, partner_key

    Partner.objects.all().delete()
    Channel.objects.get_or_create(key="web", defaults={"name": "Web", "kind": "web"})
    client = PartnerClient(partner_key(channels=("web",), scopes=list(Scope.values))[1])
    results: dict[str, float] = {}
    for name, (conditions, effect) in documents().items():
        body = f'{{"key": "a", "name": "A", "conditions": {conditions}, "effect": {effect}}}'
        simulation = f'{{"currency": "USD", "basket": {json.dumps(BASKET)}, "incentives": [{body}]}}'.replace('"name": "A", ', "")
        campaign = f'{{"name": "Bad", "goal": "sales", "channels": ["web"], "incentives": [{body}]}}'
        results[f"simulation: {name}"] = measured(lambda raw=simulation: client.post("simulations", raw=raw.encode()))  # type: ignore[misc]
        results[f"campaign: {name}"] = measured(lambda raw=campaign: client.post("campaigns", raw=raw.encode()))  # type: ignore[misc]
    results[f"campaign: a circle of {CIRCLE} among {INCENTIVES:,} incentives"] = _circle(client, StackGroup, Incentive)
    stored = Campaign.objects.filter(name="Bad").count()
    folder = settings.VAR_DIR / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "refusals.json").write_text(json.dumps({"milliseconds": results, "stored": stored}, indent=2))
    for name, milliseconds in results.items():
        print(f"{milliseconds:8.2f} ms  {name}")
    worst = max(results.values())
    print(f"The longest took {worst:.1f} ms (at most {MOST_MILLISECONDS}); {stored} of the refused campaigns were stored.")
    longest = _hostile(client, folder)
    return 0 if worst <= MOST_MILLISECONDS and not stored and longest <= MOST_TO_ANSWER else 1


def _hostile(client: Any, folder: Path) -> float:
    """The longest answer to hostile simulations, in milliseconds."""
    taken: list[float] = []
    refused = largest = 0
    for number in range(HOSTILE):
        raw = json.dumps(hostile.simulation(number)).encode()
        best = math.inf
        for _attempt in range(3):
            started = time.perf_counter_ns()
            answer = client.post("simulations", raw=raw)
            best = min(best, (time.perf_counter_ns() - started) / 1e6)
            if best <= MOST_TO_ANSWER / 2:
                break
        if answer.status_code != 200 and (answer.status_code, answer.json()["code"]) != (422, "too-complex"):
            raise SystemExit(f"simulation {number}: {answer.status_code} {answer.content[:300]!r}")
        refused += answer.status_code == 422
        largest = max(largest, len(raw))
        taken.append(best)
    found = {
        "simulations": HOSTILE,
        "too_complex": refused,
        "milliseconds": {"median": statistics.median(taken), "max": max(taken)},
        "largest_request_bytes": largest,
        "steps": MOST_STEPS,
    }
    (folder / "work.json").write_text(json.dumps(found, indent=2))
    print(
        f"Of {HOSTILE:,} hostile simulations {refused} were too complex; the longest answer took {max(taken):.0f} ms"
        f" (at most {MOST_TO_ANSWER}), the median {statistics.median(taken):.0f} ms."
    )
    return max(taken)


def _circle(client: Any, groups: Any, incentives: Any) -> float:
    """A hundred drafts each give the next; the last save would close the circle."""
    answer = client.post(
        "campaigns",
        {
            "name": "Chain",
            "goal": "sales",
            "channels": ["web"],
            "incentives": [{"key": f"i{n}", "name": f"I{n}", "claim": "grant", "effect": HALF} for n in range(CIRCLE)],
        },
    ).json()
    chain = [item["id"] for item in answer["incentives"]]
    group = groups.objects.first()
    campaign = incentives.objects.get(public_id=chain[0]).campaign
    incentives.objects.bulk_create(
        incentives(campaign=campaign, key=f"more-{n}", name="More", effect=HALF, stack_group=group)
        for n in range(INCENTIVES - CIRCLE)
    )
    rows = {str(row.public_id): row for row in incentives.objects.filter(public_id__in=chain)}
    for one, following in itertools.pairwise(chain):
        rows[one].awards = [{"type": "grant", "incentive": following}]
    incentives.objects.bulk_update(rows.values(), ["awards"])
    from campaigns import operations
    from incentives_site.shared.problems import Invalid

    last = rows[chain[-1]]
    taken = []
    for _round in range(ROUNDS + 1):
        started = time.perf_counter_ns()
        try:
            operations.revise_incentive(incentive=last, by="bench", awards=[{"type": "grant", "incentive": chain[0]}])
        except Invalid:
            taken.append((time.perf_counter_ns() - started) / 1e6)
        else:
            raise SystemExit("The circle was stored.")
    return statistics.median(taken[1:])


if __name__ == "__main__":
    sys.exit(main())
