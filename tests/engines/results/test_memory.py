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


def test_a_result_larger_than_the_store_is_known_before_it_is_put() -> None:
    results = MemoryResults(most_bytes=4_000)
    assert [results.takes(size) for size in (2_000, 2_976, 2_977, 9_000)] == [True, True, False, False]


def test_what_was_fetched_makes_room_before_what_was_not() -> None:
    results = MemoryResults(most_bytes=13_000)
    for key in ("oldest", "fetched", "young"):
        results.put(key, bytes(3_000), until=START + HOUR)
    results.get("fetched", now=START)
    for number in range(2):
        results.put(str(number), bytes(3_000), until=START + HOUR)
    kept = {key for key in ("oldest", "fetched", "young", "0", "1") if results.get(key, now=START)}
    assert kept == {"young", "0", "1"}


def test_a_client_that_never_fetches_drives_out_nobody_elses_text_while_there_is_fetched_text() -> None:
    results = MemoryResults(most_bytes=100_000)
    results.put("waited for", bytes(3_000), until=START + HOUR)
    for number in range(20):
        results.put(str(number), bytes(3_000), until=START + HOUR)
        results.get(str(number), now=START)
    for number in range(20, 40):
        results.put(str(number), bytes(3_000), until=START + HOUR)
    assert results.get("waited for", now=START)


def test_what_is_put_again_without_an_end_is_under_way_again() -> None:
    results = MemoryResults()
    results.put("a", b"ended", until=START + HOUR)
    results.put("a", b"again", until=None)
    assert results.get("a", now=START + HOUR) == b"again"
