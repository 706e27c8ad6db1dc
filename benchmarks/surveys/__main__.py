"""``make bench-surveys``: a wave with 100,000 answers in 500 departments; answers a second through gunicorn with two workers.

Starts services of its own, as durable as in production: what is committed is on disk.
"""

import argparse
import datetime
import http.client
import json
import os
import random
import statistics
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

from benchmarks.redeem.sides import PROJECT, serving
from incentives_site.accounts.sessions import cookie_of
from incentives_site.services.local import ThrowAwayServices
from incentives_site.services.postgres import DURABLE, Postgres

RESULTS = PROJECT / "var" / "bench" / "surveys.json"
ANSWERS, DEPARTMENTS, CLIENTS = 100_000, 500, 8


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="ab")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5)
    given = parser.parse_args()
    found: dict[str, Any] = {}
    print(f"Surveys; load average {os.getloadavg()[0]:.1f}", flush=True)
    with _services():
        measure = {"a": _page, "b": _answers}
        for name in given.only:
            row = measure[name](given.rounds, given.seconds)
            found[name] = row
            print("  " + json.dumps(row), flush=True)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps({"load_average": os.getloadavg()[0], "rows": found}, indent=2) + "\n", encoding="utf-8")
    print(f"  also in {RESULTS.relative_to(PROJECT)}")
    return 0 if all(row["met"] for row in found.values()) else 1


@contextmanager
def _services() -> Iterator[None]:
    services = ThrowAwayServices()
    services.postgres = Postgres(services.folder / "pg", DURABLE)
    try:
        services.start()
        os.environ.update(services.environment())
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "incentives_site.settings")
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        yield
    finally:
        services.remove()


def _survey(people: int, name: str) -> Any:
    """A running survey, its departments and employees."""
    from django.utils import timezone

    from surveys.models import Department, Employee, Survey, SurveyQuestion

    top = Department.objects.create(key=name, name=name, path=[name])
    departments = Department.objects.bulk_create(
        Department(key=f"{name}-{n}", name=f"Department {n}", parent=top, path=[name, f"{name}-{n}"]) for n in range(DEPARTMENTS)
    )
    Employee.objects.bulk_create(
        (
            Employee(key=f"{name}-{n}", name=f"Employee {n}", email=f"{n}@{name}.test", department=departments[n % DEPARTMENTS])
            for n in range(people)
        ),
        batch_size=5_000,
    )
    survey = Survey.objects.create(
        kind="pulse",
        title={"en": "Bench"},
        languages=["en"],
        status="running",
        audience=[name],
        is_one_page=True,
        created_by="bench",
        created_at=timezone.now(),
    )
    kinds = ["enps", "agreement", "agreement", "agreement", "yes_no"]
    SurveyQuestion.objects.bulk_create(
        SurveyQuestion(survey=survey, position=n, key=f"q{n}", kind=kind, texts={"en": f"Question {n}"})
        for n, kind in enumerate(kinds)
    )
    return survey


def _page(rounds: int, _seconds: float) -> dict[str, Any]:
    """Milliseconds of the whole results page, rendered, against one statement over answers with their department beside."""
    from django.contrib.auth.models import Group
    from django.db import connection
    from django.test import Client
    from django.utils import timezone

    from incentives_site.accounts.models import User
    from surveys import operations, sealing
    from surveys.models import Ballot, Invitation

    now = timezone.now()
    wave = operations.open_wave(survey=_survey(ANSWERS, "large"), opens_at=now, now=now)
    chance = random.Random(1)
    ballots, rows = [], []
    for groups in Invitation.objects.filter(wave=wave).values_list("groups", flat=True).iterator(chunk_size=5_000):
        values = {
            "q0": chance.randrange(11),
            **{f"q{n}": 1 + chance.randrange(5) for n in (1, 2, 3)},
            "q4": chance.random() < 0.5,
        }
        sealed = sealing.seal_ballot(wave.sealed_key, {"values": values, "comments": {}, "groups": groups, "threads": {}})
        ballots.append(Ballot(id=uuid.uuid4(), wave=wave, sealed=sealed))
        rows.append((groups["department"][-1], values))
    Ballot.objects.bulk_create(ballots, batch_size=2_000)
    Invitation.objects.filter(wave=wave).update(is_used=True)
    started = time.perf_counter()
    assert operations.close_wave(wave=wave, now=wave.closes_at)
    closing = time.perf_counter() - started
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_answers (department text, q0 int, q1 int, q2 int, q3 int, q4 bool)")
        with cursor.copy("COPY bench_answers FROM STDIN") as copy:
            for department, values in rows:
                copy.write_row((department, *values.values()))
        cursor.execute("ANALYZE bench_answers")
    user = User.objects.create_user("hr@bench.test")
    user.groups.add(Group.objects.get(name="hr"))
    client = Client(headers={"host": "localhost"})
    client.force_login(user)
    client.cookies["sessionid"] = cookie_of(client.cookies["sessionid"].value)
    address = f"/surveys/{wave.survey.public_id}/results/"
    ours, floor = [], []
    for turn in range(5 * rounds):
        for side in (0, 1) if turn % 2 else (1, 0):
            begun = time.perf_counter()
            if side:
                assert client.get(address).status_code == 200
                ours.append((time.perf_counter() - begun) * 1000)
            else:
                with connection.cursor() as cursor:
                    cursor.execute(
                        "SELECT department, count(*), count(*) FILTER (WHERE q0 >= 9), count(*) FILTER (WHERE q0 <= 6), "
                        "avg(q1), avg(q2), avg(q3), count(*) FILTER (WHERE q4) FROM bench_answers GROUP BY ROLLUP (department)"
                    )
                    assert len(cursor.fetchall()) == DEPARTMENTS + 1
                floor.append((time.perf_counter() - begun) * 1000)
    mine, theirs = statistics.median(ours[2:]), statistics.median(floor[2:])
    return {
        "row": "a",
        "what": f"results page of {ANSWERS:,} answers in {DEPARTMENTS} departments against one aggregate statement, ms",
        "ours": round(mine, 1),
        "floor": round(theirs, 1),
        "ratio": round(mine / theirs, 2),
        "closing_seconds": round(closing, 1),
        "target": 3,
        "met": mine / theirs <= 3,
    }


def _answers(rounds: int, seconds: float) -> dict[str, Any]:
    """Answers a second, posted to the page as a browser without scripts does."""
    from django.utils import timezone

    from surveys import operations, sealing
    from surveys.models import Invitation

    now = timezone.now()
    wave = operations.open_wave(survey=_survey(40_000, "small"), opens_at=now - datetime.timedelta(seconds=1), now=now)
    tokens = [
        sealing.invitation_token(pk)
        for pk in Invitation.objects.filter(wave=wave, is_used=False).values_list("pk", flat=True)[:40_000]
    ]
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_inserts (id bigserial, body text)")
    sides: dict[str, list[float]] = {"ours": [], "bare": []}
    with serving(2) as port:
        for turn in range(rounds + 1):
            for side in ("ours", "bare") if turn % 2 else ("bare", "ours"):
                rate = _round(port, tokens if side == "ours" else None, seconds if turn else 1)
                sides[side] += [rate] if turn else []
    rate, bare = (statistics.median(rates) for rates in sides.values())
    what = "answers a second through gunicorn with 2 workers: a form sent, sealed and on disk; a bare view's insert beside it"
    return {
        "row": "b",
        "what": what,
        "ours": round(rate),
        "bare_view": round(bare),
        "of_the_bare_view": round(rate / bare, 2),
        "target": 1_000,
        "met": rate >= 1_000,
    }


def _round(port: int, tokens: list[str] | None, seconds: float) -> float:
    """Requests a second of several clients: answers, each with its own link, or inserts."""
    done, lock = [0], threading.Lock()
    started = time.perf_counter()

    def send() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while time.perf_counter() < started + seconds:
            if tokens is None:
                _send(connection, "/bench/insert", "", b"ok")
            else:
                with lock:
                    token = tokens.pop()
                body = {
                    "csrfmiddlewaretoken": CSRF,
                    "go": "send",
                    "q-q0": "9",
                    "q-q1": "4",
                    "q-q2": "3",
                    "q-q3": "5",
                    "q-q4": "yes",
                }
                _send(connection, f"/s/{token}/", urlencode(body), b"hank")
            with lock:
                done[0] += 1

    threads = [threading.Thread(target=send) for _n in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return done[0] / (time.perf_counter() - started)


CSRF = "a" * 32


def _send(connection: http.client.HTTPConnection, path: str, body: str, expected: bytes) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": f"csrftoken={CSRF}"}
    connection.request("POST", path, body, headers)
    response = connection.getresponse()
    answer = response.read()
    assert response.status == 200, (response.status, answer[-300:])
    assert expected in answer, answer[-500:]


if __name__ == "__main__":
    sys.exit(main())
