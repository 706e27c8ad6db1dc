"""A wave from its opening to its results: once each, and nothing that joins a person and an answer."""

import datetime as dt
import json
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import connection, connections, transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from customers.tests.factories import NOON
from incentives_site.shared.problems import Invalid
from surveys import operations
from surveys.models import AnswerSet, Ballot, Comment, Employee, Invitation, Mode, Wave
from surveys.rules.publishing import EVERYBODY
from surveys.tests.factories import DepartmentFactory, EmployeeFactory, SurveyFactory, answered, closed, link_of, opened
from surveys.tests.rules.exact import fewest_touched
from surveys.tests.rules.test_publishing import published_groups

pytestmark = pytest.mark.django_db


def test_a_wave_opens_once_for_its_instant() -> None:
    EmployeeFactory.create_batch(3)
    EmployeeFactory(is_active=False)
    survey = SurveyFactory()
    wave = opened(survey)
    assert opened(survey) == wave
    assert (wave.invited, Invitation.objects.count(), wave.number) == (3, 3, 1)
    with pytest.raises(operations.CannotOpen):
        opened(survey, at=NOON + dt.timedelta(days=1))


def test_only_departments_that_are_meant_are_invited() -> None:
    top = DepartmentFactory(key="company")
    inside = DepartmentFactory(key="tills", parent=top)
    EmployeeFactory(department=inside)
    EmployeeFactory(department=DepartmentFactory(key="it"))
    assert opened(SurveyFactory(audience=["company"])).invited == 1
    with pytest.raises(operations.CannotOpen):
        opened(SurveyFactory(audience=["nobody"]))


def test_an_invitation_is_answered_once() -> None:
    EmployeeFactory()
    wave = opened()
    invitation = answered(wave, {"score": 9})
    with pytest.raises(operations.AlreadyAnswered):
        operations.answer(token=link_of(invitation), values={"score": 1}, comments={}, now=NOON)
    assert Ballot.objects.count() == 1


@pytest.mark.parametrize(
    ("values", "comments"),
    [({}, {}), ({"score": 11}, {}), ({"score": "x"}, {}), ({"score": 1}, {"score": "x" * 100_000}), ({"other": 1}, {})],
)
def test_what_is_refused_is_not_kept_and_the_link_stays_good(values: dict[str, Any], comments: dict[str, str]) -> None:
    EmployeeFactory()
    wave = opened()
    invitation = Invitation.objects.get()
    with pytest.raises(Invalid):
        operations.answer(token=link_of(invitation), values=values, comments=comments, now=NOON)
    assert not Ballot.objects.exists()
    answered(wave, {"score": 5})


def test_after_the_window_and_with_a_strangers_link_nothing_is_taken() -> None:
    EmployeeFactory()
    wave = opened()
    token = link_of(Invitation.objects.get())
    with pytest.raises(operations.WaveClosed):
        operations.answer(token=token, values={"score": 5}, comments={}, now=wave.closes_at)
    for bad in ("", "x", token[:-1], token + "x", "\x00"):
        with pytest.raises(operations.LinkUnknown):
            operations.answer(token=bad, values={"score": 5}, comments={}, now=NOON)


CASES = {case["id"]: case for case in json.loads((Path(__file__).parents[1] / "rules" / "cases" / "surveys.json").read_text())}


def test_opening_a_link_stores_nothing_and_the_first_form_does(client: Client) -> None:
    """Case G09: mail scanners open every link."""
    EmployeeFactory()
    wave = opened()
    path = f"/s/{link_of(Invitation.objects.get())}/"
    with time_machine.travel(wave.opens_at, tick=False):
        for request in CASES["G09"]["given"]["requests"]:
            if request.startswith("GET"):
                assert client.get(path).status_code in {200, 409}
            else:
                assert not Ballot.objects.exists()
                assert client.post(path, {"go": "send", "q-score": request.partition("=")[2]}).status_code == 200
    assert Ballot.objects.count() == CASES["G09"]["expect"]["stored_answers"]


@pytest.mark.parametrize("name", ["G03", "G04"])
def test_who_is_away_before_the_opening_is_not_invited_and_who_leaves_later_still_counts(name: str) -> None:
    given, expect = CASES[name]["given"], CASES[name]["expect"]
    staff = EmployeeFactory.create_batch(given["people"])
    for employee in staff[: given.get("inactive_before_round", 0)]:
        Employee.objects.filter(pk=employee.pk).update(is_active=False)
    wave = opened()
    for employee in staff[-given.get("inactive_during_round", 0) :] if "inactive_during_round" in given else []:
        Employee.objects.filter(pk=employee.pk).update(is_active=False)
    for _n in range(given["submitted"]):
        answered(wave, {"score": 5})
    assert wave.invited == expect["invited"]
    shown = closed(wave).results["participation"][EVERYBODY][EVERYBODY]
    assert abs(shown - expect["rate_pct"]) <= CASES[name]["tolerance"]


def test_a_wave_is_counted_at_its_close_and_once() -> None:
    EmployeeFactory.create_batch(8)
    wave = opened()
    for score in (10, 9, 8, 7, 6, 0):
        answered(wave, {"score": score})
    assert not operations.close_wave(wave=wave, now=wave.closes_at - dt.timedelta(seconds=1))
    closed(wave)
    assert not operations.close_wave(wave=wave, now=wave.closes_at)
    assert (AnswerSet.objects.count(), Ballot.objects.count()) == (6, 0)
    figures = wave.results["figures"]["score"][EVERYBODY][EVERYBODY]
    assert figures == {"*": 6, "sum": 0, "promoters": 2, "passives": 2, "detractors": 2}
    assert wave.results["answered"] == 6


def test_under_k_nothing_is_shown() -> None:
    EmployeeFactory.create_batch(8)
    wave = opened()
    for _n in range(4):
        answered(wave, {"score": 3})
    assert closed(wave).results["figures"] == {}
    assert wave.results["answered"] is None


@pytest.mark.parametrize("mode", [Mode.CONFIDENTIAL, Mode.NAMED])
def test_in_other_modes_the_join_exists(mode: str) -> None:
    EmployeeFactory.create_batch(5)
    wave = opened(SurveyFactory(mode=mode))
    invitation = answered(wave, {"score": 3})
    closed(wave)
    assert AnswerSet.objects.get().invitation == invitation


def company(chance: random.Random, people: int) -> list[Employee]:
    """Departments two levels deep, three places, some managers, years of service."""
    top = [DepartmentFactory(key=f"d{n}") for n in range(3)]
    leaves = [DepartmentFactory(key=f"d{n}-{m}", parent=top[n]) for n in range(3) for m in range(chance.randrange(1, 4))]
    heads = EmployeeFactory.create_batch(4, department=top[0])
    return heads + [
        EmployeeFactory(
            department=chance.choice(leaves),
            manager=chance.choice(heads),
            location=chance.choice(["Rome", "Bonn", "Lyon"]),
            started_on=dt.date(2026 - chance.choice([0, 2, 4, 12]), 1, 1),
            language=chance.choice(["en", "it"]),
        )
        for _n in range(people)
    ]


# --- The attack ---------------------------------------------------------------------------------------------------------


class TestAttack(TestCase):
    @settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(seed=st.integers(0, 10**6), people=st.integers(10, 35), k=st.integers(3, 4))
    def test_nothing_smaller_than_k_follows_from_two_waves_with_movement(self, seed: int, people: int, k: int) -> None:
        """The attacker knows the directory and who answered: the strongest there is."""
        chance = random.Random(seed)
        staff = company(chance, people)
        survey = SurveyFactory(k=k)
        known: list[set[int]] = []
        for turn in range(2):
            wave = opened(survey, at=NOON + dt.timedelta(days=40 * turn))
            for employee in staff:
                if employee.is_active and chance.random() < 0.8:
                    answered(wave, {"score": chance.randrange(11)}, by=employee)
            took_part = dict(Invitation.objects.filter(wave=wave, is_used=True).values_list("employee_id", "groups"))
            known += published_groups(closed(wave).results, took_part)
            assert fewest_touched(known, k) is None
            for groups in (groups for figures in wave.results["figures"].values() for groups in figures.values()):
                assert all(figure["*"] >= k for figure in groups.values())
            for employee in chance.sample(staff, 3):
                employee.is_active = False
                employee.save()
            for employee in chance.sample(staff, 3):
                employee.department = chance.choice(staff).department
                employee.save()

    def test_what_the_floor_alone_lets_through_is_found(self) -> None:
        """The attack can succeed: in most companies the groups of k people and more, all of them, tell of fewer."""
        broken = 0
        for seed in range(10):
            chance = random.Random(seed)
            people = {
                n: {"department": ["all", f"d{chance.randrange(3)}"], "location": f"l{chance.randrange(3)}"} for n in range(20)
            }
            every: dict[str, set[int]] = {}
            for n, groups in people.items():
                for key in (*groups["department"], groups["location"]):
                    every.setdefault(key, set()).add(n)
            broken += fewest_touched([group for group in every.values() if len(group) >= 4], 4) is not None
        assert broken == 5


# --- The storage --------------------------------------------------------------------------------------------------------


def _dump(wave: Wave) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Invitations that were used and answers, each in physical order with transaction ids: what a database administrator has."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT ctid::text, xmin::text, employee_id FROM surveys_invitation WHERE wave_id = %s AND is_used ORDER BY ctid",
            [wave.pk],
        )
        invitations = cursor.fetchall()
        cursor.execute(
            'SELECT ctid::text, xmin::text, "values" FROM surveys_answerset WHERE wave_id = %s ORDER BY ctid', [wave.pk]
        )
        return invitations, cursor.fetchall()


@pytest.mark.django_db(transaction=True)
def test_a_dump_does_no_better_than_chance() -> None:
    """Everybody answers something of their own, in a known order; guesses by place and transaction match as chance would."""
    people, rounds, hits = 11, 12, 0
    EmployeeFactory.create_batch(people)
    for turn in range(rounds):
        wave = opened(SurveyFactory(), at=NOON + dt.timedelta(days=20 * turn))
        order = list(Invitation.objects.filter(wave=wave))
        random.Random(turn).shuffle(order)
        said = {}
        for score, invitation in enumerate(order):
            operations.answer(token=link_of(invitation), values={"score": score}, comments={}, now=wave.opens_at)
            said[invitation.employee_id] = score
        closed(wave)
        invitations, answers = _dump(wave)
        assert len({xmin for _ctid, xmin, _who in invitations}) == 1
        assert len({xmin for _ctid, xmin, _values in answers}) == 1
        guesses = zip((who for _c, _x, who in invitations), (values for _c, _x, values in answers), strict=True)
        hits += sum(f'"score": {said[who]}}}' in str(values).replace("'", '"') for who, values in guesses)
    # Matching by place hits one of a round by chance; 3.5 standard deviations above that many of twelve rounds are 24.
    assert hits <= 24


@pytest.mark.django_db(transaction=True)
def test_while_a_wave_is_open_what_was_said_is_sealed() -> None:
    EmployeeFactory.create_batch(5)
    wave = opened()
    answered(wave, {"score": 3}, {"score": "The lift is always broken"})
    answered(wave, {"score": 3})
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE %s', ["%lift is always%"])  # noqa: S608
            assert cursor.fetchone()[0] == 0, table
        cursor.execute("SELECT DISTINCT length(sealed) FROM surveys_ballot")
        assert len(cursor.fetchall()) == 1
    assert not AnswerSet.objects.exists()


def test_no_row_holds_a_combination_of_groups() -> None:
    chance = random.Random(1)
    staff = company(chance, 30)
    wave = opened()
    for employee in staff:
        answered(wave, {"score": 5}, {"score": "x"}, by=employee)
    closed(wave)
    assert {field.name for field in AnswerSet._meta.fields} == {"id", "wave", "values", "invitation"}
    assert not AnswerSet.objects.exclude(invitation=None).exists()
    assert not any(
        isinstance(field, type(Comment._meta.get_field("wave"))) and field.name != "wave" for field in Comment._meta.fields
    )
    wave.refresh_from_db()
    assert wave.sealed_key is None


@pytest.mark.django_db(transaction=True)
def test_an_answer_that_is_under_way_when_the_wave_closes_is_counted_or_refused() -> None:
    """A close waits for an answer that is being kept, and counts it; an answer that comes later waits for the close."""
    EmployeeFactory.create_batch(6)
    wave = opened()
    first, second, *others = Invitation.objects.filter(wave=wave)
    for n, invitation in enumerate(others):
        operations.answer(token=link_of(invitation), values={"score": 5 + n}, comments={}, now=NOON)
    kept, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            operations.answer(token=link_of(first), values={"score": 9}, comments={}, now=NOON)
            kept.set()
            go_on.wait(10)
        connections.close_all()

    def close() -> bool:
        done = operations.close_wave(wave=wave, now=wave.closes_at)
        connections.close_all()
        return done

    def late() -> str:
        try:
            operations.answer(token=link_of(second), values={"score": 1}, comments={}, now=NOON)
        except operations.WaveClosed:
            return "refused"
        finally:
            connections.close_all()
        return "kept"

    with ThreadPoolExecutor(3) as threads:
        answering = threads.submit(slow)
        assert kept.wait(10)
        closing = threads.submit(close)
        assert any(_waits() or time.sleep(0.01) for _look in range(1_000))
        coming = threads.submit(late)
        go_on.set()
        answering.result(10)
        assert closing.result(10)
        outcome = coming.result(10)
    wave.refresh_from_db()
    given = [answers.values["score"] for answers in AnswerSet.objects.filter(wave=wave)]
    assert 9 in given, "what was thanked for is counted"
    assert (wave.results["answered"], 1 in given) == ((5, False) if outcome == "refused" else (6, True))
    assert Invitation.objects.get(pk=second.pk).is_used is (outcome == "kept")


def _waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")
        return bool(cursor.fetchone()[0])
