"""Containers that share a folder of results: each answers for all, and none works on for ever."""

import json
import os
import stat
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from engines.read.operations import abandoned
from engines.results.entry import Entry
from engines.results.folder import LOOKS, FolderResults
from engines.results.store import ResultsUnavailable
from tests.site import START

HOUR = timedelta(hours=1)
KEY, OTHER, THIRD = (str(UUID(int=number)) for number in (1, 2, 3))
RUNNING = (
    b'{"status":"notStarted","createdDateTime":"2027-01-01T00:00:00Z","lastUpdatedDateTime":"2027-01-01T00:00:00Z"}'
)
ENDED = b'{"status":"succeeded"}'
HOLDER = "0" * 32


def container(folder: Path) -> FolderResults:
    return FolderResults(folder, clock=lambda: START, kept=HOUR, abandoned=abandoned, most_bytes=5_000)


@pytest.fixture
def one(tmp_path: Path) -> FolderResults:
    return container(tmp_path)


@pytest.fixture
def other(tmp_path: Path) -> FolderResults:
    return container(tmp_path)


def finish(results: FolderResults, key: str) -> None:
    assert results.claim(key, ENDED, until=START + HOUR)
    results.put(key, ENDED, until=START + HOUR)


def status(results: FolderResults, key: str = KEY) -> str | None:
    found = results.get(key, now=START)
    return None if found is None else str(json.loads(found)["status"])


def files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and path.parent.name != "holders")


def test_what_one_took_in_the_other_answers(one: FolderResults, other: FolderResults) -> None:
    one.put(KEY, RUNNING, until=None)
    assert status(other) == "notStarted"
    finish(one, KEY)
    assert other.get(KEY, now=START) == one.get(KEY, now=START) == ENDED
    one.close()
    assert status(other) == "succeeded"
    assert [path.parent.name for path in files(other.folder)] == ["ended"]


@pytest.mark.parametrize("claimed", [False, True])
def test_work_of_a_container_that_is_gone_ends_as_failed(
    one: FolderResults, other: FolderResults, *, claimed: bool
) -> None:
    one.put(KEY, RUNNING, until=None)
    if claimed:
        assert one.claim(KEY, ENDED, until=START + HOUR)
    for _ in range(LOOKS):
        other.look()
        assert status(other) == "notStarted"
    other.look()
    found = json.loads(other.get(KEY, now=START) or b"")
    assert (found["status"], found["error"]["code"]) == ("failed", "InternalServerError")
    assert found["createdDateTime"] == "2027-01-01T00:00:00+00:00"
    assert other.get(KEY, now=START + HOUR) is None
    other.expire(START + HOUR)
    assert not [path for path in files(other.folder) if path.parent.name == "ended"]


def test_a_container_that_lives_loses_nothing_however_often_others_look(
    one: FolderResults, other: FolderResults
) -> None:
    one.put(KEY, RUNNING, until=None)
    for _ in range(3 * LOOKS):
        one.look()
        other.look()
    finish(one, KEY)
    assert status(other) == "succeeded"


def test_a_container_that_was_taken_for_gone_may_not_count_what_it_read(
    one: FolderResults, other: FolderResults
) -> None:
    one.put(KEY, RUNNING, until=None)
    for _ in range(LOOKS + 1):
        other.look()
    one.put(KEY, RUNNING, until=None)
    assert not one.claim(KEY, ENDED, until=START + HOUR)
    assert status(one) == status(other) == "failed"
    assert not [path for path in files(one.folder) if path.parent.name == "staged"]


def test_what_a_container_forgot_to_end_is_ended_by_itself(one: FolderResults) -> None:
    one.put(KEY, RUNNING, until=None)
    (one.folder / "ended").rename(one.folder / "away")
    with pytest.raises(ResultsUnavailable):
        one.put(KEY, ENDED, until=START + HOUR)
    (one.folder / "away").rename(one.folder / "ended")
    assert status(one) == "failed"


def test_one_killed_after_it_published_leaves_the_text(one: FolderResults, other: FolderResults) -> None:
    one.put(KEY, RUNNING, until=None)
    left = (one.folder / "running" / KEY).read_bytes()
    finish(one, KEY)
    (one.folder / "claimed" / KEY).write_bytes(left)
    for _ in range(LOOKS + 1):
        other.look()
    assert status(other) == "succeeded"
    assert [path.parent.name for path in files(other.folder)] == ["ended"]


def test_texts_are_for_the_containers_user_alone(one: FolderResults) -> None:
    one.put(OTHER, RUNNING, until=None)
    one.put(KEY, RUNNING, until=None)
    assert one.claim(KEY, ENDED, until=START + HOUR)
    for path in (one.folder, *one.folder.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def good() -> bytes:
    return Entry(KEY, HOLDER, START + HOUR, ENDED).encoded()


def changed(**values: object) -> bytes:
    head, _, content = good().partition(b"\n")
    return json.dumps(json.loads(head) | values).encode() + b"\n" + content


BROKEN = {
    "empty": b"",
    "cut off": good()[:-1],
    "longer": good() + b" ",
    "another text": good().replace(b"succeeded", b"successes"),
    "another's": Entry(THIRD, HOLDER, START + HOUR, ENDED).encoded(),
    "no JSON": Entry(KEY, HOLDER, START + HOUR, b"<html>").encoded(),
    "no object": Entry(KEY, HOLDER, START + HOUR, b"[1]").encoded(),
    "no UTF-8": Entry(KEY, HOLDER, START + HOUR, b'{"a":"\xff"}').encoded(),
    "too large": Entry(KEY, HOLDER, START + HOUR, b'{"a":"' + bytes(6_000) + b'"}').encoded(),
    "another version": changed(version=2),
    "a field more": changed(more=1),
    "a path for a holder": changed(holder="../../x"),
    "no zone": changed(until="2030-01-01T00:00:00"),
    "no end": changed(until=None),
    "a key twice": b'{"version":1,' + good()[1:],
    "no line": b"x" * 10_000,
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_what_is_not_whole_or_not_ours_is_not_there(one: FolderResults, broken: bytes) -> None:
    (one.folder / "ended" / KEY).write_bytes(broken)
    assert one.get(KEY, now=START) is None
    for state in ("running", "claimed", "lost"):
        (one.folder / state / OTHER).write_bytes(broken)
        one.look()
    assert one.get(OTHER, now=START) is None


def planted_link(path: Path) -> None:
    secret = path.parent.parent / "secret"
    secret.write_bytes(good())
    path.symlink_to(secret)


@pytest.mark.parametrize("plant", [planted_link, os.mkfifo, os.mkdir], ids=["link", "pipe", "folder"])
def test_what_is_no_file_is_not_opened(one: FolderResults, plant: Callable[[Path], None]) -> None:
    plant(one.folder / "ended" / KEY)
    assert one.get(KEY, now=START) is None


def test_what_a_kill_left_half_written_is_swept_away(one: FolderResults) -> None:
    one.put(OTHER, RUNNING, until=None)
    for path in (one.folder / "staged" / KEY, one.folder / "ended" / f".{KEY}.01234567.tmp"):
        path.write_bytes(b"private")
        os.utime(path, (0, 0))
    one.expire(START)
    assert [(path.parent.name, path.name) for path in files(one.folder)] == [("running", OTHER)]


def test_a_folder_that_cannot_take_results_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ResultsUnavailable, match="there is no such folder") as error:
        container(tmp_path / "none")
    assert "Mounts:Shared" in error.value.hint
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "read-results").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ResultsUnavailable, match="is no folder"):
        container(tmp_path)


def test_a_folder_that_is_lost_is_told_and_not_taken_for_an_unknown_result(one: FolderResults, tmp_path: Path) -> None:
    one.put(KEY, RUNNING, until=None)
    finish(one, KEY)
    one.folder.rename(tmp_path / "away")
    with pytest.raises(ResultsUnavailable):
        one.put(OTHER, RUNNING, until=None)
    with pytest.raises(ResultsUnavailable):
        one.get(KEY, now=START)
    (tmp_path / "away").rename(one.folder)
    assert status(one) == "succeeded"
