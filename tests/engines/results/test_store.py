"""What every store of results promises, with a clock in hand."""

from datetime import timedelta

import pytest

from engines.results.memory import MemoryResults
from engines.results.store import ResultStore
from tests.site import START

HOUR = timedelta(hours=1)


@pytest.fixture(params=[MemoryResults], ids=["memory"])
def results(request: pytest.FixtureRequest) -> ResultStore:
    made: ResultStore = request.param()
    return made


def test_a_result_is_there_until_its_end_and_not_from_then_on(results: ResultStore) -> None:
    results.put("a", b"text", until=START + HOUR)
    assert results.get("a", now=START + HOUR - timedelta(microseconds=1)) == b"text"
    assert results.get("a", now=START + HOUR) is None


def test_a_result_ends_in_its_own_time_behind_one_that_stays_longer(results: ResultStore) -> None:
    results.put("long", b"long", until=START + 2 * HOUR)
    results.put("short", b"short", until=START + HOUR)
    assert results.get("short", now=START + HOUR) is None
    assert results.get("long", now=START + HOUR) == b"long"


def test_work_under_way_has_no_end(results: ResultStore) -> None:
    results.put("a", b"running", until=None)
    results.expire(START + 10_000 * HOUR)
    assert results.get("a", now=START + 10_000 * HOUR) == b"running"


def test_what_is_put_last_is_what_is_there(results: ResultStore) -> None:
    results.put("a", b"running", until=None)
    results.put("a", b"ended", until=START + HOUR)
    assert results.get("a", now=START) == b"ended"
    results.put("a", b"again", until=None)
    assert results.get("a", now=START + HOUR) == b"again"


def test_what_has_expired_is_gone_and_nothing_else(results: ResultStore) -> None:
    results.put("old", b"old", until=START + HOUR)
    results.put("young", b"young", until=START + 2 * HOUR)
    results.expire(START + HOUR)
    assert results.get("old", now=START) is None
    assert results.get("young", now=START) == b"young"


@pytest.mark.parametrize("key", ["", "nobody", "../secret"])
def test_an_unknown_key_is_not_there(results: ResultStore, key: str) -> None:
    assert results.get(key, now=START) is None
