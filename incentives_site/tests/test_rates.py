"""Counts of how often something happens: all or nothing, or as many as fit, and one home for all of them."""

import threading
import uuid

from incentives_site.services.locations import PROJECT
from incentives_site.shared.rates import HOUR, MINUTE, SECOND, Bucket, count, seconds_to_wait


def bucket(most: int = 5, many: int = 1, name: str = "") -> Bucket:
    return Bucket.of(f"test:{name or uuid.uuid4()}", most, per=HOUR, many=many)


def test_so_many_come_and_not_one_more() -> None:
    name = str(uuid.uuid4())
    answers = [count([bucket(3, name=name)]) for _ in range(4)]
    assert [answer.room // (HOUR // 3) for answer in answers] == [2, 1, 0, 0]
    assert [answer.wait > 0 for answer in answers] == [False, False, False, True]
    assert 1_190 < answers[-1].wait <= 1_200


def test_all_buckets_count_or_none() -> None:
    full, empty = str(uuid.uuid4()), str(uuid.uuid4())
    assert count([bucket(1, name=full)]).wait == 0
    assert count([bucket(5, name=empty), bucket(1, name=full)]).wait > 0
    assert count([bucket(5, many=5, name=empty)]).wait == 0


def test_more_than_fits_is_refused_whole_or_fills_the_bucket() -> None:
    whole, part = str(uuid.uuid4()), str(uuid.uuid4())
    assert count([bucket(5, many=6, name=whole)]).wait > 0
    assert count([bucket(5, many=5, name=whole)]).wait == 0
    assert count([bucket(5, many=6, name=part)], in_part=True).wait > 0
    assert count([bucket(5, many=0, name=part)], in_part=True).wait > 0
    assert count([bucket(5, many=0)], in_part=True).wait == 0


def test_room_comes_back_at_its_rate() -> None:
    name = f"test:{uuid.uuid4()}"
    assert count([Bucket(name, SECOND // 10, 1)]).wait == 0
    assert 0 < count([Bucket(name, SECOND // 10, 1)]).wait <= 0.1
    threading.Event().wait(0.12)
    assert count([Bucket(name, SECOND // 10, 1)]).wait == 0


def test_nothing_to_count_waits_for_nothing() -> None:
    assert seconds_to_wait([]) == 0
    assert seconds_to_wait([Bucket.of(f"test:{uuid.uuid4()}", 60, per=MINUTE)]) == 0


def test_there_is_one_script() -> None:
    apps = ("incentives_site", "customers", "campaigns", "redemptions", "surveys")
    found = [path for app in apps for path in (PROJECT / app).rglob("*.py") if "redis.call(" in path.read_text(encoding="utf-8")]
    assert [path.name for path in found if "tests" not in path.parts] == ["rates.py"]
