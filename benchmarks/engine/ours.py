"""This product's side of the measurements, in a process of its own: ``python -m benchmarks.engine.ours memory | quote``."""

import dataclasses
import datetime
import os
import sys
from collections.abc import Callable
from typing import Any

from .turns import serve, timed


def memory(workload: dict[str, Any]) -> tuple[Callable[[], int], dict[str, Any]]:
    """The decision alone: everything was read and compiled beforehand."""
    from campaigns.rules.language import read_simulation
    from campaigns.rules.stacking import decide

    given = read_simulation(workload["simulation"], now=datetime.datetime.now(datetime.UTC))
    # Others know no bound of how many may apply: without it both sides do the same work.
    policy = dataclasses.replace(given.policy, max_incentives=len(given.candidates))

    def work() -> Any:
        return decide(
            basket=given.basket,
            candidates=given.candidates,
            surroundings=given.surroundings,
            groups=given.groups,
            policy=policy,
        )

    return timed(work), _outcome(work())


def quote(workload: dict[str, Any]) -> tuple[Callable[[], int], dict[str, Any]]:
    """A whole quote as an endpoint asks for it, rules and customer from PostgreSQL."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "incentives_site.settings")
    import django

    django.setup()
    from django.db import connection
    from django.test.utils import CaptureQueriesContext
    from django.utils import timezone

    from customers.models import Customer
    from redemptions import operations

    request = operations.Request(
        currency=workload["currency"],
        basket=workload["basket"],
        channel=workload["channel"],
        customer=Customer.objects.get() if workload["has_customer"] else None,
    )

    def work() -> Any:
        return operations.quote(request, now=timezone.now())

    work()
    with CaptureQueriesContext(connection) as queries:
        outcome = _outcome(work().decision)
    return timed(work), outcome | {"queries": len(queries)}


def _outcome(decision: Any) -> dict[str, Any]:
    return {"lines": [line.discount for line in decision.lines], "applied": len(decision.applied)}


if __name__ == "__main__":
    serve({"memory": memory, "quote": quote}[sys.argv[1]])
