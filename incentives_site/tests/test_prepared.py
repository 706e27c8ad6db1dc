"""Statements that are prepared, once for each connection."""

import pghistory
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from incentives_site.env import database
from incentives_site.shared.prepared import prepared_cursor

pytestmark = pytest.mark.django_db


def prepared() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%%a number%%'")
        return int(cursor.fetchone()[0])


def ask(number: int | None) -> object:
    with prepared_cursor() as cursor:
        # Not a SELECT: what the history's context would be put before.
        cursor.execute(
            "WITH asked AS (SELECT %(number)s::bigint AS found) SELECT found /* a number */ FROM asked", {"number": number}
        )
        return cursor.fetchone()[0]


def test_once_whatever_the_values() -> None:
    before = prepared()
    assert [ask(number) for number in (1, 40_000, 2**40)] == [1, 40_000, 2**40]
    assert prepared() == before + 1


def test_values_by_name_by_place_and_none() -> None:
    with prepared_cursor() as cursor:
        cursor.execute("SELECT %(b)s::text || %(a)s::text || %(b)s::text || '%%'", {"a": "a", "b": "b", "unused": 1})
        assert cursor.fetchone()[0] == "bab%"
        cursor.execute("SELECT %s::text || %s::text", ["a", "b"])
        assert cursor.fetchone()[0] == "ab"
        cursor.execute("SELECT 1", {"unused": 1})
        assert cursor.fetchone()[0] == 1
        cursor.execute("SELECT '%%'", None)
        assert cursor.fetchone()[0] == "%%"


def test_one_within_another() -> None:
    with prepared_cursor() as outer:
        outer.execute("SELECT n FROM generate_series(1, %(most)s::bigint) AS n ORDER BY n", {"most": 3})
        assert outer.fetchone()[0] == 1
        assert ask(7) == 7
        assert outer.fetchone()[0] == 2


def test_within_the_context_of_a_history() -> None:
    with pghistory.context(by="somebody"):
        assert [ask(7), ask(8)] == [7, 8]


def test_in_the_transaction_of_its_caller() -> None:
    with prepared_cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id_if_assigned()::text, pg_backend_pid()")
        mine = cursor.fetchone()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id_if_assigned()::text, pg_backend_pid()")
        assert cursor.fetchone() == mine


def test_seen_by_those_who_watch_queries() -> None:
    ask(1)
    with CaptureQueriesContext(connection) as asked:
        ask(2)
    assert ["a number" in query["sql"] for query in asked] == [True]


@pytest.mark.parametrize(("query", "threshold"), [("", 0), ("?prepare=no", None), ("?host=/run/pg&prepare=no", None)])
def test_not_where_the_address_says_no(query: str, threshold: int | None) -> None:
    assert database(f"postgresql://me@there/one{query}")["OPTIONS"]["prepare_threshold"] == threshold
