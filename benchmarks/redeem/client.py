"""One client in a process of its own: ``python -m benchmarks.redeem.client process | http:<port>``.

Each line of its input is one round, ``{"seconds": 5, "what": "many"}``; it answers with how often it redeemed and the
milliseconds of each.
"""

import http.client
import json
import os
import random
import sys
import time
import uuid
from collections.abc import Callable

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


def main(how: str) -> None:
    work_for = over_http(int(how.split(":")[1])) if ":" in how else in_process()
    print("{}", flush=True)
    for line in sys.stdin:
        wanted = json.loads(line)
        work, taken = work_for(wanted["what"]), list[float]()
        started = time.perf_counter()
        end = started + wanted["seconds"]
        while (begun := time.perf_counter()) < end:
            work()
            taken.append((time.perf_counter() - begun) * 1000)
        print(json.dumps({"seconds": time.perf_counter() - started, "ms": taken}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
