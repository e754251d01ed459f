"""What every store of results promises, with a clock in hand."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from engines.read.operations import abandoned
from engines.results.folder import FolderResults
from engines.results.memory import MemoryResults
from engines.results.store import ResultStore
from tests.site import START

HOUR = timedelta(hours=1)
OLD, YOUNG = str(UUID(int=1)), str(UUID(int=2))


def in_memory(_: Path) -> ResultStore:
    return MemoryResults()


def in_folder(folder: Path) -> ResultStore:
    return FolderResults(folder, clock=lambda: START, kept=HOUR, abandoned=abandoned)


@pytest.fixture(params=[in_memory, in_folder])
def results(request: pytest.FixtureRequest, tmp_path: Path) -> ResultStore:
    make: Callable[[Path], ResultStore] = request.param
    return make(tmp_path)


def test_a_result_is_there_until_its_end_and_not_from_then_on(results: ResultStore) -> None:
    results.put(OLD, b'{"a":1}', until=START + HOUR)
    assert results.get(OLD, now=START + HOUR - timedelta(microseconds=1)) == b'{"a":1}'
    assert results.get(OLD, now=START + HOUR) is None


def test_a_result_ends_in_its_own_time_behind_one_that_stays_longer(results: ResultStore) -> None:
    results.put(OLD, b'{"long":1}', until=START + 2 * HOUR)
    results.put(YOUNG, b'{"short":1}', until=START + HOUR)
    assert results.get(YOUNG, now=START + HOUR) is None
    assert results.get(OLD, now=START + HOUR) == b'{"long":1}'


def test_work_under_way_has_no_end(results: ResultStore) -> None:
    results.put(OLD, b'{"running":1}', until=None)
    results.expire(START + 10_000 * HOUR)
    assert results.get(OLD, now=START + 10_000 * HOUR) == b'{"running":1}'


@pytest.mark.parametrize("claimed", [False, True])
def test_what_is_put_last_is_what_is_there(results: ResultStore, *, claimed: bool) -> None:
    results.put(OLD, b'{"begun":1}', until=None)
    results.put(OLD, b'{"running":1}', until=None)
    assert results.get(OLD, now=START) == b'{"running":1}'
    if claimed:
        assert results.claim(OLD, b'{"ended":1}', until=START + HOUR)
        assert results.get(OLD, now=START) == b'{"running":1}'
    results.put(OLD, b'{"ended":1}', until=START + HOUR)
    assert results.get(OLD, now=START) == b'{"ended":1}'


def test_what_has_expired_is_gone_and_nothing_else(results: ResultStore) -> None:
    results.put(OLD, b'{"old":1}', until=START + HOUR)
    results.put(YOUNG, b'{"young":1}', until=START + 2 * HOUR)
    results.expire(START + HOUR)
    assert results.get(OLD, now=START) is None
    assert results.get(YOUNG, now=START) == b'{"young":1}'


@pytest.mark.parametrize("key", ["", "nobody", "../secret", OLD])
def test_an_unknown_key_is_not_there(results: ResultStore, key: str) -> None:
    assert results.get(key, now=START) is None
