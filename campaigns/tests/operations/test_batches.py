"""Batches of codes: made piece by piece, paused, resumed, cancelled, killed; used once each."""

import datetime
import hashlib
import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from campaigns import operations, queries, sealing
from campaigns.models import BatchState, Code, CodeBatch, CodeFilePiece
from campaigns.operations import _import_codes
from campaigns.rules import codes
from campaigns.tests.factories import IncentiveFactory
from customers.tests.factories import NOON
from incentives_site.shared import kept_files
from incentives_site.shared.problems import Invalid, Problem

PROJECT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.django_db


def order(**changes: Any) -> CodeBatch:
    terms: dict[str, Any] = {"count": 50, "pattern": "SUMMER-####-####-##", "by": "user:1", "now": NOON} | changes
    incentive = terms.pop("incentive", None) or IncentiveFactory(claim="code")
    return operations.order_codes(incentive=incentive, **terms)


def make(batch: CodeBatch, **changes: Any) -> bool:
    return operations.make_codes(batch_id=batch.pk, clock=lambda: NOON, **changes)


def texts(batch: CodeBatch) -> list[str]:
    return [sealing.open_batch_seal(batch.public_id, code.sealed) for code in batch.codes.order_by("pk")]


class TestMaking:
    def test_exactly_as_many_different_codes_as_asked_for(self) -> None:
        batch = order(has_check=True)
        assert make(batch, piece=7)
        batch.refresh_from_db()
        assert (batch.state, batch.made, batch.finished_at) == (BatchState.DONE, 50, NOON)
        found = texts(batch)
        assert len(set(found)) == 50
        shape = operations.shape_of(batch)
        for text, code in zip(found, batch.codes.order_by("pk"), strict=True):
            reading = shape.read(text)
            assert reading is not None
            assert reading.text == codes.normalise(text)
            assert bytes(code.digest) == sealing.digest(text.lower())

    def test_making_again_makes_nothing_more(self) -> None:
        batch = order()
        assert make(batch)
        assert make(batch)
        assert batch.codes.count() == 50

    def test_a_code_that_exists_already_is_drawn_anew(self) -> None:
        numbers = iter(range(1_000))

        def entropy(n: int) -> bytes:
            # The second batch begins with the numbers of the first.
            return b"".join(hashlib.sha256(str(next(numbers)).encode()).digest() for _ in range(n // 32 + 1))[:n]

        first = order(count=5)
        assert make(first, entropy=entropy)
        numbers = iter(range(1_000))
        second = order(count=5)
        assert make(second, entropy=entropy)
        assert not set(texts(first)) & set(texts(second))

    def test_a_pattern_that_is_used_up_fails_with_a_sentence(self) -> None:
        first, second = order(count=1), order(count=1)
        assert make(first, entropy=bytes)
        assert not make(second, entropy=bytes)
        second.refresh_from_db()
        assert second.state == BatchState.FAILED
        assert "longer pattern" in second.failure

    def test_paused_resumed_and_cancelled(self, django_capture_on_commit_callbacks: Any) -> None:
        batch = order()
        operations.pause_batch(batch=batch, by="user:1")
        assert not make(batch)
        assert batch.codes.count() == 0
        operations.resume_batch(batch=batch, by="user:1")
        assert make(batch)
        with pytest.raises(operations.WrongBatchState):
            operations.cancel_batch(batch=batch, by="user:1", now=NOON)
        other = order()
        operations.cancel_batch(batch=other, by="user:1", now=NOON)
        assert not make(other)

    def test_the_codes_of_a_cancelled_batch_are_deleted(self) -> None:
        batch = order()

        class Stop(Exception):
            pass

        calls = 0

        def entropy(n: int) -> bytes:
            nonlocal calls
            calls += 1
            if calls == 3:
                raise Stop
            return os.urandom(n)

        with pytest.raises(Stop):
            make(batch, piece=10, entropy=entropy)
        batch.refresh_from_db()
        assert (batch.state, batch.made, batch.codes.count()) == (BatchState.RUNNING, 20, 20)
        assert operations.unfinished_batches() == [batch.pk]
        operations.cancel_batch(batch=batch, by="user:1", now=NOON)
        assert operations.tidy_batches(now=NOON, piece=8) == 20
        assert (batch.codes.count(), operations.unfinished_batches()) == (0, [])

    def test_who_did_what_is_recorded(self) -> None:
        batch = order()
        make(batch, piece=10)
        operations.begin_export(batch=batch, by="user:7", now=NOON)
        events = batch.events.select_related("pgh_context").order_by("pgh_id")  # type: ignore[attr-defined]
        said = [event.pgh_context.metadata for event in events]
        assert [(one["by"], one["why"]) for one in said][:2] == [("user:1", "order_codes"), ("system", "make_codes")]
        assert said[-1] == {"by": "user:7", "why": "export_codes"}
        assert len(said) < 8  # not one for every piece


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"pattern": "SUMMER-###", "count": 1_000_000}, "/pattern", "too-few-codes"),
        ({"pattern": "SUMMER"}, "/pattern", "bad-pattern"),
        ({"alphabet": "ABC"}, "/alphabet", "bad-alphabet"),
        ({"count": 0}, "/count", "out-of-range"),
        ({"uses_per_code": 0}, "/uses_per_code", "out-of-range"),
        ({"expires_at": NOON}, "/expires_at", "ends-in-the-past"),
        ({"name": "x" * 101}, "/name", "bad-text"),
    ],
)
def test_what_cannot_be_made_is_refused_when_asked_for(change: dict[str, Any], pointer: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        order(**change)
    assert [(error.pointer, error.code) for error in refused.value.errors] == [(pointer, code)]
    assert refused.value.errors[0].detail
    assert not CodeBatch.objects.exists()


def test_only_incentives_claimed_by_a_code_of_a_campaign_that_has_not_ended_get_codes() -> None:
    for incentive in (IncentiveFactory(), IncentiveFactory(claim="code", campaign__status="ended")):
        with pytest.raises(operations.WrongStatus):
            order(incentive=incentive)


def test_an_incentive_with_batches_stays_claimed_by_a_code() -> None:
    incentive = IncentiveFactory(claim="code", campaign__status="draft")
    order(incentive=incentive)
    with pytest.raises(Invalid) as refused:
        operations.revise_incentive(incentive=incentive, by="user:1", claim="automatic")
    assert refused.value.errors[0].code == "has-codes"
    assert queries.generic_code(incentive) == ""


def test_an_incentive_that_was_never_promised_is_removed_with_its_codes() -> None:
    batch = order(incentive=IncentiveFactory(claim="code", campaign__status="draft", campaign__launched_at=None))
    make(batch)
    operations.remove_incentive(incentive=batch.incentive, by="user:1")
    assert not Code.objects.exists()
    assert not CodeBatch.objects.exists()


class TestImporting:
    LINES = [f"IMPORTED-{n:05}" for n in range(2_500)]

    @pytest.fixture(autouse=True)
    def in_small_pieces(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(_import_codes, "PIECE", 1_000)

    def order(self, note: str = "") -> CodeBatch:
        body = "\n".join(["code,note", *(f"{line},{note}" for line in self.LINES)]).encode()
        incentive = IncentiveFactory(claim="code")
        return operations.order_import(incentive=incentive, file=io.BytesIO(body), size=len(body), by="user:1", now=NOON)

    def test_a_worker_that_ends_in_the_middle_loses_nothing_and_repeats_nothing(self) -> None:
        batch = self.order()

        class Killed(BaseException):
            pass

        times = iter([NOON, NOON])

        def clock() -> datetime.datetime:
            if (now := next(times, None)) is None:
                raise Killed
            return now

        with pytest.raises(Killed):
            operations.import_codes(batch_id=batch.pk, clock=clock)
        batch.refresh_from_db()
        assert (batch.state, batch.made, batch.file.position, batch.file.lines) == ("running", 2_000, 2_000, 2_500)
        assert operations.unfinished_imports() == [batch.pk]
        assert operations.import_codes(batch_id=batch.pk, clock=lambda: NOON)
        batch.refresh_from_db()
        assert (batch.state, batch.made, batch.count, batch.report["lines"]) == (BatchState.DONE, 2_500, 2_500, 2_500)
        assert texts(batch) == self.LINES
        assert not operations.unfinished_imports()

    def test_the_codes_of_an_import_that_failed_in_the_middle_are_free_again(self) -> None:
        batch = self.order(note="x" * 1_000)

        def clock() -> datetime.datetime:
            """Called after the whole file was looked through: from now on its end is lost."""
            CodeFilePiece.objects.filter(number=2).update(body=b"lost")
            return NOON

        assert not operations.import_codes(batch_id=batch.pk, clock=clock)
        batch.refresh_from_db()
        assert (batch.state, batch.failure, batch.report) == (BatchState.FAILED, "unreadable", None)
        assert batch.codes.count() == batch.made > 0
        assert not CodeFilePiece.objects.exists()
        operations.tidy_batches(now=NOON)
        assert not Code.objects.exists()
        assert operations.import_codes(batch_id=self.order().pk, clock=lambda: NOON)
        assert Code.objects.count() == 2_500

    def test_a_file_is_read_outside_of_any_transaction(self, monkeypatch: pytest.MonkeyPatch) -> None:
        depth = len(connection.savepoint_ids)
        seen: list[int] = []
        opened = kept_files.open_piece

        def watched(*arguments: Any) -> bytes:
            seen.append(len(connection.savepoint_ids))
            return opened(*arguments)

        monkeypatch.setattr(kept_files, "open_piece", watched)
        operations.import_codes(batch_id=self.order().pk, clock=lambda: NOON)
        assert set(seen) == {depth}


class TestUsing:
    def test_a_code_is_used_once_and_given_back(self) -> None:
        batch = order(count=3)
        make(batch)
        ids = list(batch.codes.values_list("pk", flat=True))
        assert operations.use_codes(code_ids=ids[:2], now=NOON)
        assert not operations.use_codes(code_ids=ids, now=NOON)
        operations.give_back_codes(code_ids=ids[:1])
        operations.give_back_codes(code_ids=ids[:1])
        assert operations.use_codes(code_ids=ids[:1], now=NOON)
        assert operations.use_codes(code_ids=[], now=NOON)

    def test_as_often_as_the_batch_says(self) -> None:
        batch = order(count=1, uses_per_code=3)
        make(batch)
        ids = list(batch.codes.values_list("pk", flat=True))
        assert [operations.use_codes(code_ids=ids, now=NOON) for _ in range(4)] == [True, True, True, False]

    def test_not_after_its_time(self) -> None:
        batch = order(count=1, expires_at=NOON + datetime.timedelta(days=1))
        make(batch)
        ids = list(batch.codes.values_list("pk", flat=True))
        assert not operations.use_codes(code_ids=ids, now=NOON + datetime.timedelta(days=1))


class TestForgetting:
    def test_texts_are_forgotten_a_day_after_the_first_export(self) -> None:
        batch = order(count=30, forgets_texts=True)
        make(batch)
        later = NOON + datetime.timedelta(days=1)
        assert operations.tidy_batches(now=later) == 0  # nobody has them yet
        operations.begin_export(batch=batch, by="user:1", now=NOON)
        assert operations.tidy_batches(now=later - datetime.timedelta(seconds=1)) == 0
        kept = texts(batch)
        assert operations.tidy_batches(now=later, piece=7) == 30
        assert set(texts(batch)) == {""}
        assert Code.objects.filter(digest=sealing.digest(kept[0])).exists()
        with pytest.raises(operations.TextsForgotten):
            operations.begin_export(batch=batch, by="user:1", now=later)

    def test_an_unfinished_batch_is_not_exported(self) -> None:
        with pytest.raises(operations.WrongBatchState):
            operations.begin_export(batch=order(), by="user:1", now=NOON)


def order_unmade(**changes: Any) -> CodeBatch:
    """As if the worker had not been told: in tests it works at once."""
    with transaction.atomic():
        batch = order(**changes)
        operations.pause_batch(batch=batch, by="user:1")
    CodeBatch.objects.filter(pk=batch.pk).update(state=BatchState.WAITING)
    return batch


def in_threads(*work: Callable[[], Any]) -> list[Any]:
    """Runs each in a thread with a database connection of its own, all at once."""
    together, results = threading.Barrier(len(work)), [None] * len(work)

    def run(position: int, one: Callable[[], Any]) -> None:
        together.wait()
        try:
            results[position] = one()
        except Problem as problem:
            results[position] = problem  # type: ignore[call-overload]
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=item) for item in enumerate(work)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


@pytest.mark.django_db(transaction=True)
class TestUnderFire:
    def test_sixteen_want_one_code_and_one_gets_it(self) -> None:
        batch = order(count=1)
        make(batch)
        ids = list(batch.codes.values_list("pk", flat=True))

        def use() -> bool:
            with transaction.atomic():
                return operations.use_codes(code_ids=ids, now=NOON)

        assert sorted(in_threads(*[use] * 16)) == [False] * 15 + [True]
        assert Code.objects.get(pk=ids[0]).used == 1

    def test_four_workers_on_one_batch_make_no_code_too_many(self) -> None:
        batch = order_unmade(count=2_000)
        in_threads(*[lambda: make(batch, piece=50)] * 4)
        assert make(batch)
        batch.refresh_from_db()
        assert (batch.made, batch.codes.count()) == (2_000, 2_000)

    def test_a_worker_that_is_killed_loses_nothing_and_repeats_nothing(self) -> None:
        batch = order_unmade(count=60_000)
        for _kill in range(3):
            before = CodeBatch.objects.get(pk=batch.pk).made
            worker = subprocess.Popen([sys.executable, "-c", WORKER, str(batch.pk)], cwd=PROJECT, env=environment())
            until = time.monotonic() + 60
            while CodeBatch.objects.get(pk=batch.pk).made == before and time.monotonic() < until:
                time.sleep(0.01)
            worker.send_signal(signal.SIGKILL)
            assert worker.wait() == -signal.SIGKILL
            assert operations.unfinished_batches() == [batch.pk]
        # The server ends the session of a killed client a moment later.
        until = time.monotonic() + 30
        while not make(batch) and time.monotonic() < until:
            time.sleep(0.05)
        batch.refresh_from_db()
        assert (batch.state, batch.made, batch.codes.count()) == (BatchState.DONE, 60_000, 60_000)
        assert batch.codes.values("digest").distinct().count() == 60_000


WORKER = """
import django, sys
django.setup()
from django.utils import timezone
from campaigns import operations
operations.make_codes(batch_id=int(sys.argv[1]), clock=timezone.now, piece=500)
"""


def environment() -> dict[str, str]:
    """The test's own database, for another process."""
    said = connection.settings_dict
    place = f"host={said['HOST']}&port={said['PORT']}"
    url = f"postgresql://{said['USER']}:{said['PASSWORD'] or ''}@/{said['NAME']}?{place}"
    return {**os.environ, "DJANGO_SETTINGS_MODULE": "incentives_site.settings", "DATABASE_URL": url, "DEMO": "1"}
