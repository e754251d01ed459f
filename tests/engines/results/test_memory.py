"""Results in memory, with a clock in hand."""

from datetime import timedelta

from engines.results.memory import MemoryResults
from tests.site import START

HOUR = timedelta(hours=1)


def test_a_result_is_there_until_its_end_and_not_from_then_on() -> None:
    results = MemoryResults()
    results.put("a", b"text", until=START + HOUR)
    assert results.get("a", now=START + HOUR - timedelta(microseconds=1)) == b"text"
    assert results.get("a", now=START + HOUR) is None


def test_a_result_ends_in_its_own_time_behind_one_that_stays_longer() -> None:
    results = MemoryResults()
    results.put("long", b"long", until=START + 2 * HOUR)
    results.put("short", b"short", until=START + HOUR)
    assert results.get("short", now=START + HOUR) is None
    assert results.get("long", now=START + HOUR) == b"long"


def test_work_under_way_has_no_end() -> None:
    results = MemoryResults(most_bytes=0)
    results.put("a", b"running", until=None)
    results.expire(START + 10_000 * HOUR)
    assert results.get("a", now=START + 10_000 * HOUR) == b"running"


def test_what_is_put_last_is_what_is_there() -> None:
    results = MemoryResults(most_bytes=5_000)
    results.put("a", b"running", until=None)
    for _ in range(9):
        results.put("a", bytes(3_000), until=START + HOUR)
    assert results.get("a", now=START) == bytes(3_000)
    results.put("a", b"again", until=None)
    assert results.get("a", now=START + HOUR) == b"again"


def test_what_has_expired_makes_room() -> None:
    results = MemoryResults(most_bytes=10_000)
    results.put("old", bytes(3_000), until=START + HOUR)
    results.put("young", bytes(3_000), until=START + 2 * HOUR)
    results.expire(START + HOUR)
    results.put("new", bytes(3_000), until=START + 3 * HOUR)
    assert results.get("young", now=START) == results.get("new", now=START) == bytes(3_000)


def test_an_unknown_key_is_not_there() -> None:
    assert MemoryResults().get("../secret", now=START) is None


def test_a_result_larger_than_the_store_is_not_kept() -> None:
    results = MemoryResults(most_bytes=2_000)
    results.put("a", bytes(3_000), until=START + HOUR)
    assert results.get("a", now=START) is None
