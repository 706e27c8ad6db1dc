"""The whole loading as `make demo` runs it: killed three times on the way, then whole; run again, nothing changes."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from psycopg import sql

from incentives_site.demo import files, showcase

DATABASE = "incentives_whole_loading"
PROJECT = Path(files.__file__).parents[2]
MEMORY = 600 * 1024  # KiB, the promise of the loader
pytestmark = [pytest.mark.xdist_group("demo")]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A migrated database of its own on the tests' server: what is killed must not share a connection with other tests."""
    server = urlsplit(os.environ["DATABASE_URL"])
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {DATABASE}")
        yield urlunsplit(server._replace(path=f"/{DATABASE}"))
        connection.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")


@pytest.fixture(scope="module")
def environment(url: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    variables = os.environ | {"DATABASE_URL": url, "DEMO": "1", "VAR_DIR": str(tmp_path_factory.mktemp("var"))}
    subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], cwd=PROJECT, env=variables, check=True)
    return variables


# The process tells the most memory it held itself: what the system reports of a child includes its parent's before the start.
SEED = """
import os, sys
from django.core.management import execute_from_command_line
os.environ["DJANGO_SETTINGS_MODULE"] = "incentives_site.settings"
execute_from_command_line(["manage.py", "seed_demo"])
print(open("/proc/self/status").read().split("VmHWM:")[1].split()[0], file=sys.stderr)
"""


def start(environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SEED], cwd=PROJECT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def load(environment: dict[str, str]) -> tuple[str, int]:
    """Runs to the end; what was printed and the most memory, in KiB."""
    process = start(environment)
    printed, errors = process.communicate()
    assert process.returncode == 0, printed + errors
    return printed, int(errors.split()[-1])


def kill_when(environment: dict[str, str], condition: str) -> None:
    """``kill -9`` at the moment the condition, an SQL expression, is true for others."""
    process = start(environment)
    try:
        with psycopg.connect(environment["DATABASE_URL"], autocommit=True) as connection:
            end = time.monotonic() + 120
            while not _holds(connection, condition):
                assert process.poll() is None, "The loading ended before it could be killed."
                assert time.monotonic() < end
                time.sleep(0.02)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        process.communicate()


def _holds(connection: psycopg.Connection[tuple[bool]], condition: str) -> bool:
    row = connection.execute(f"SELECT {condition}").fetchone()  # type: ignore[arg-type]
    return bool(row and row[0])


def contents(url: str) -> dict[str, tuple[int, int]]:
    """Rows of every table and a sum of their hashes."""
    with psycopg.connect(url) as connection:
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename").fetchall()
        return {
            name: connection.execute(  # type: ignore[misc]
                sql.SQL("SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)), 0) FROM {} AS t").format(
                    sql.Identifier(name)
                )
            ).fetchone()
            for (name,) in names
        }


@pytest.fixture(scope="module")
def loaded_whole(environment: dict[str, str]) -> str:
    """The address of a database loaded in four starts, of which three were killed."""
    kill_when(environment, "EXISTS (SELECT FROM customers_identity)")  # on the way to the campaigns
    kill_when(environment, "(SELECT count(*) FROM customers_purchase) > 40000")  # between two pieces, or in one
    kill_when(environment, "(SELECT count(*) FROM customers_purchase) = 155848")  # before the facts
    printed, memory = load(environment)
    assert "of them earlier" not in printed, "All purchases were there: the last start had only facts to add."
    assert memory < MEMORY
    return environment["DATABASE_URL"]


def test_every_basket_and_line_of_the_file_is_there_once(loaded_whole: str) -> None:
    lines = pq.read_table(files.folder() / "transactions.parquet")
    for name in ("sales_value", "retail_disc", "coupon_disc", "coupon_match_disc"):
        index = lines.column_names.index(name)
        lines = lines.set_column(index, name, pc.round(pc.multiply(lines[name], 100)).cast("int64"))
    discount = pc.add(pc.add(lines["retail_disc"], lines["coupon_disc"]), lines["coupon_match_disc"])
    lines = lines.append_column("discount", discount)
    baskets = lines.group_by("basket_id").aggregate(
        [
            ("sales_value", "sum"),
            ("discount", "sum"),
            ("quantity", "sum"),
            ("sales_value", "count"),
            ("household_id", "min"),
            ("store_id", "min"),
            ("transaction_timestamp", "min"),
        ]
    )
    expected = sorted(
        (
            str(row["basket_id"]),
            row["sales_value_sum"],
            row["discount_sum"],
            row["sales_value_sum"],
            row["discount_sum"],
            row["quantity_sum"],
            row["sales_value_count"],
            row["sales_value_count"] - 1,
            f"Household {row['household_id_min']}",
            f"store-{row['store_id_min']}",
            row["transaction_timestamp_min"],
        )
        for row in baskets.to_pylist()
    )
    with psycopg.connect(loaded_whole) as connection:
        found = connection.execute(
            """
            SELECT p.order_key, p.paid, p.discount, sum(l.paid)::bigint, sum(l.discount)::bigint, sum(l.quantity)::bigint,
                   count(*), max(l.position), c.display_name, s.key, p.placed_at AT TIME ZONE 'UTC'
            FROM customers_purchase p JOIN customers_purchaseline l ON l.purchase_id = p.id
            JOIN customers_customer c ON c.id = p.customer_id JOIN customers_store s ON s.id = p.store_id
            GROUP BY p.id, c.id, s.id
            """
        ).fetchall()
    assert len(expected) == 155_848
    assert sorted(found) == expected


def test_products_carry_their_names_and_amounts(loaded_whole: str) -> None:
    lines = pq.read_table(files.folder() / "transactions.parquet", columns=["product_id", "quantity"])
    known = {row["product_id"]: row for row in pq.read_table(files.folder() / "products.parquet").to_pylist()}
    expected = set()
    for row in lines.group_by("product_id").aggregate([("quantity", "sum"), ("quantity", "count")]).to_pylist():
        product = known.get(row["product_id"], {})
        words = (product.get("product_type") or "", product.get("product_category") or "", product.get("brand") or "")
        expected.add((str(row["product_id"]), *words, row["quantity_sum"], row["quantity_count"]))
    with psycopg.connect(loaded_whole) as connection:
        found = connection.execute(
            "SELECT l.sku, l.name, l.category, l.brand, sum(l.quantity)::bigint, count(*) FROM customers_purchaseline l "
            "JOIN customers_purchase p ON p.id = l.purchase_id WHERE p.source = 'completejourney' GROUP BY 1, 2, 3, 4"
        ).fetchall()
    assert set(found) == expected


def test_each_purchase_stands_once_on_its_timeline(loaded_whole: str) -> None:
    with psycopg.connect(loaded_whole) as connection:
        row = connection.execute(
            """
            SELECT count(*), count(DISTINCT p.id), bool_and(e.occurred_at = p.placed_at AND e.customer_id = p.customer_id),
                   bool_and((e.properties ->> 'paid')::bigint = p.paid AND e.properties ->> 'store' = s.key)
            FROM customers_event e JOIN customers_purchase p ON p.order_key = e.properties ->> 'order_key'
            JOIN customers_store s ON s.id = p.store_id WHERE e.type = 'bought'
            """
        ).fetchone()
    assert row == (155_848, 155_848, True, True)


def test_facts_say_what_the_purchases_say(loaded_whole: str) -> None:
    with psycopg.connect(loaded_whole) as connection:
        rows = connection.execute(
            """
            SELECT c.facts, count(*), sum(p.paid)::bigint, round(sum(p.paid) / count(*))::bigint,
                   to_char(max(p.placed_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD')
            FROM customers_customer c JOIN customers_purchase p ON p.customer_id = c.id
            WHERE p.source = 'completejourney' GROUP BY c.id
            """
        ).fetchall()
    assert len(rows) == 2469
    for facts, *expected in rows:
        assert [facts[name] for name in ("orders", "spend", "average_order", "last_purchase_on")] == expected
        assert "days_since_purchase" not in facts


def test_loading_again_changes_nothing_and_keeps_the_secrets(loaded_whole: str, environment: dict[str, str]) -> None:
    told = Path(environment["VAR_DIR"]) / "demo.json"
    before, secrets = contents(loaded_whole), told.read_text()
    printed, memory = load(environment)
    assert contents(loaded_whole) == before
    assert told.read_text() == secrets
    assert memory < MEMORY
    assert "purchase lines" not in printed


def test_the_campaigns_of_the_demonstration_show_the_job_being_done(loaded_whole: str) -> None:
    with psycopg.connect(loaded_whole) as connection:
        statuses = dict(connection.execute("SELECT source_key, status FROM campaigns_campaign WHERE source = 'demo'").fetchall())
        elsewhere = connection.execute(
            """
            SELECT count(*) FROM redemptions_appliedincentive a
            JOIN redemptions_redemption r ON r.id = a.redemption_id JOIN campaigns_grant g ON g.id = a.grant_id
            JOIN customers_channel given ON given.id = g.channel_id JOIN customers_channel used ON used.id = r.channel_id
            WHERE r.source = 'demo' AND given.key = 'web' AND used.key = 'store' AND g.used_at = r.redeemed_at
            """
        ).fetchone()
        held = connection.execute(
            "SELECT count(*) FROM campaigns_grant WHERE state = 'held' AND occasion = %s", [showcase.OCCASION]
        ).fetchone()
    assert statuses == {
        "welcome-back": "live",
        "summer": "live",
        "regulars": "live",
        "coffee": "scheduled",
        "new-parents": "draft",
    }
    assert elsewhere is not None
    assert held is not None
    assert elsewhere[0] >= 8
    assert elsewhere[0] + held[0] == 25


def test_it_refuses_where_no_demonstration_is_wanted(environment: dict[str, str]) -> None:
    secret = "x" * 60
    result = subprocess.run(
        [sys.executable, "manage.py", "seed_demo"],
        cwd=PROJECT,
        env=environment | {"DEMO": "0", "SECRET_KEY": secret},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode != 0
    assert "DEMO=1" in result.stderr


def test_the_file_of_secrets_has_the_agreed_shape(loaded_whole: str, environment: dict[str, str]) -> None:
    told = json.loads((Path(environment["VAR_DIR"]) / "demo.json").read_text())
    assert set(told) == {"base_url", "users", "api_keys", "write_keys"}
    assert {frozenset(user) for user in told["users"]} == {frozenset({"role", "email", "password"})}
    assert {frozenset(key) for key in told["api_keys"]} == {frozenset({"partner", "channel", "scopes", "key"})}
