"""One shop in a process of its own: ``python -m benchmarks.profiles.client <port> <number> <batches>``.

Makes its requests first; when told to go on, sends them one after the other over one connection, and prints when each was
answered.
"""

import base64
import datetime
import http.client
import json
import random
import sys
import time

from .crowd import batch


def main(port: int, number: int, batches: int) -> None:
    chance, now = random.Random(number), datetime.datetime.now(datetime.UTC)
    requests = [batch(chance, now) for _n in range(batches)]
    headers = {"Authorization": "Basic " + base64.b64encode(b"benchmark:").decode(), "Content-Type": "application/json"}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    print("ready", flush=True)
    seconds = float(sys.stdin.readline())
    end = time.time() + seconds
    answered: list[tuple[float, float]] = []
    for body in requests:
        begun = time.time()
        if begun > end:
            break
        connection.request("POST", "/v1/batch", body, headers)
        response = connection.getresponse()
        answer = response.read()
        assert (response.status, answer) == (200, b'{"success": true}'), (response.status, answer[:200])
        answered.append((begun, time.time()))
    print(json.dumps(answered), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
