"""Clients in a process of their own: ``python -m benchmarks.redeem.client process | http:<port> [clients]``.

Each line of its input is one round, ``{"seconds": 5, "what": "many"}``; it answers with how often each redeemed and the
milliseconds of each redemption. Several clients are threads, each with its own connection, as those of a web server.
"""

import http.client
import json
import os
import random
import sys
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from . import shop

Work = Callable[[], None]
KEY = "BENCH_KEY"


def in_process() -> Callable[[str], Work]:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "incentives_site.settings")
    import django

    django.setup()
    from django.utils import timezone

    from customers import queries as customer_queries
    from redemptions import operations

    def work_for(what: str) -> Work:
        def work() -> None:
            request = operations.Request(
                currency=shop.CURRENCY,
                basket=shop.basket(),
                channel=shop.CHANNEL,
                customer=customer_queries.named_by_identity("loyalty_card", _card()),
                codes=[_code(what)],
            )
            operations.redeem(
                request,
                source=shop.PARTNER,
                order_key=str(uuid.uuid4()),
                placed_at=None,
                by=f"key:{shop.PARTNER}",
                now=timezone.now(),
            )

        return work

    return work_for


def over_http(port: int) -> Callable[[str], Work]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    addresses = {"api": "/api/v1/redemptions", "bare": "/bench/redeem", "nothing": "/bench/nothing"}

    def work_for(what: str) -> Work:
        def work() -> None:
            order = str(uuid.uuid4())
            body = {
                "currency": shop.CURRENCY,
                "channel": shop.CHANNEL,
                "basket": shop.basket(),
                "customer": {"identity": {"kind": "loyalty_card", "value": _card()}},
                "codes": [_code("many")],
                "order": {"id": order},
            }
            headers = {
                "Content-Type": "application/json",
                "Authorization": f"Api-Key {os.environ[KEY]}",
                "Idempotency-Key": order,
            }
            connection.request("POST", addresses[what], json.dumps(body), headers)
            response = connection.getresponse()
            answer = response.read()
            assert response.status == 201, (response.status, answer[:500])

        return work

    return work_for


def _card() -> str:
    return shop.card(random.randrange(shop.CUSTOMERS))


def _code(what: str) -> str:
    return {"hot": shop.HOT, "row": shop.HOT_ROW}.get(what) or shop.code(random.randrange(shop.INCENTIVES))


Answer = dict[str, Any]


def one_round(work: Work, seconds: float) -> Answer:
    taken = list[float]()
    started = time.perf_counter()
    end = started + seconds
    while (begun := time.perf_counter()) < end:
        work()
        taken.append((time.perf_counter() - begun) * 1000)
    return {"seconds": time.perf_counter() - started, "ms": taken}


def main(how: str, clients: int = 1) -> None:
    # One thread for each client for good: it keeps its connection.
    threads = [ThreadPoolExecutor(1) for _ in range(clients)]
    makers = [thread.submit(over_http, int(how.split(":")[1])) if ":" in how else thread.submit(in_process) for thread in threads]
    work_for = [maker.result() for maker in makers]
    print("[]", flush=True)
    for line in sys.stdin:
        wanted = json.loads(line)
        rounds = [
            thread.submit(one_round, one(wanted["what"]), wanted["seconds"])
            for thread, one in zip(threads, work_for, strict=True)
        ]
        print(json.dumps([done.result() for done in rounds]), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
