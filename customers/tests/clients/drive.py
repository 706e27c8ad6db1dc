"""Drives an official Python client, unmodified: `drive.py segment|rudder <address> <write key> <users> <rounds>`.

Prints what was lost, as JSON.
"""

import json
import sys
import time


def client_of(which: str, address: str, key: str, lost: list[str]):
    def on_error(error, batch):
        lost.extend(item["messageId"] for item in batch or [])

    if which == "segment":
        from segment.analytics.client import Client

        return Client(key, host=address, on_error=on_error, gzip=True, max_queue_size=100_000)
    from rudderstack.analytics.client import Client

    return Client(key, host=address, on_error=on_error, max_queue_size=100_000)


def main() -> None:
    which, address, key, users, rounds = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
    lost: list[str] = []
    client = client_of(which, address, key, lost)
    for n in range(rounds):
        for u in range(users):
            user, cookie = f"{which}-{u}", f"{which}-cookie-{u}"
            client.identify(
                user, {"email": f"{which}{u}@shop.test", "round": n}, anonymous_id=cookie, message_id=f"{which}-i-{u}-{n}"
            )
            client.track(user, "Looked", {"round": n, "user": user}, message_id=f"{which}-t-{u}-{n}")
            client.alias(f"{which}-before-{u}-{n}", user, message_id=f"{which}-a-{u}-{n}")
            client.page(anonymous_id=cookie, name="Home", properties={"round": n, "user": user}, message_id=f"{which}-p-{u}-{n}")
    client.flush()
    # A batch that the server refuses for its size: it is given up, and nothing else with it.
    time.sleep(0.6)
    for n in range(3):
        client.track("refused", "Refused for its size", {"n": n}, message_id=f"{which}-refused-{n}")
    client.flush()
    client.track(f"{which}-0", "Last", message_id=f"{which}-last")
    client.flush()
    client.join()
    sys.stdout.write(json.dumps(sorted(lost)))


main()
