"""The room that results take in memory."""

from datetime import timedelta

from engines.results.memory import MemoryResults
from tests.site import START

HOUR = timedelta(hours=1)


def test_the_oldest_result_makes_room_for_the_newest_and_work_under_way_for_none() -> None:
    results = MemoryResults(most_bytes=10_000)
    results.put("running", bytes(9_000), until=None)
    for number in range(3):
        results.put(str(number), bytes(3_000), until=START + HOUR)
    found = [results.get(key, now=START) is not None for key in ("running", "0", "1", "2")]
    assert found == [True, False, True, True]


def test_a_result_that_is_put_again_takes_its_room_once() -> None:
    results = MemoryResults(most_bytes=10_000)
    results.put("other", b"other", until=START + HOUR)
    for _ in range(9):
        results.put("a", bytes(3_000), until=START + HOUR)
    assert results.get("other", now=START) == b"other"


def test_what_has_expired_leaves_its_room() -> None:
    results = MemoryResults(most_bytes=10_000)
    results.put("old", bytes(6_000), until=START + HOUR)
    results.expire(START + HOUR)
    results.put("young", bytes(3_000), until=START + 2 * HOUR)
    results.put("new", bytes(3_000), until=START + 2 * HOUR)
    assert results.get("young", now=START) == results.get("new", now=START) == bytes(3_000)


def test_a_result_larger_than_the_store_is_not_kept() -> None:
    results = MemoryResults(most_bytes=2_000)
    results.put("a", bytes(3_000), until=START + HOUR)
    assert results.get("a", now=START) is None
