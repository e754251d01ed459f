"""The log in the output mount: whole lines, files of a bounded size, and room left for usage records."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from engines.logs.disk import KEPT, LogFile
from licensing.core.errors import AzlicError
from tests.site import METER, START
from tests.usage.forked import only_root
from usage.records.container_log import rotated
from usage.records.output_scan import scan_folders
from usage.records.recorder import Recorder

LINE: dict[str, object] = {"instant": "2026-03-01T08:00:00.000Z", "level": "Information", "message": "x" * 900}


def numbered(number: int) -> dict[str, object]:
    return LINE | {"number": number}


def lines(folder: Path) -> list[int]:
    """The numbers of all lines, from the oldest file on."""
    files = [rotated(folder, number) for number in range(KEPT + 3, -1, -1)]
    return [json.loads(line)["number"] for file in files if file.exists() for line in file.read_bytes().splitlines()]


def test_lines_are_appended_also_to_a_log_that_is_there(tmp_path: Path) -> None:
    for start in (0, 2):
        log = LogFile(tmp_path, file_bytes=None)
        log.write(numbered(start))
        log.write(numbered(start + 1))
    assert lines(tmp_path) == [0, 1, 2, 3]


def test_a_file_that_is_full_makes_place_for_the_next_and_the_oldest_goes(tmp_path: Path) -> None:
    log = LogFile(tmp_path, file_bytes=5_000)
    for number in range(100):
        log.write(numbered(number))
    assert lines(tmp_path) == list(range(100 - len(lines(tmp_path)), 100))
    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    assert len(sizes) == KEPT + 1 and max(sizes) <= 5_000


def test_a_line_that_is_larger_than_a_file_is_still_written(tmp_path: Path) -> None:
    log = LogFile(tmp_path, file_bytes=100)
    for number in range(3):
        log.write(numbered(number))
    assert lines(tmp_path) == [0, 1, 2]


def test_somebody_who_moves_the_log_away_gets_all_of_it(tmp_path: Path) -> None:
    log = LogFile(tmp_path, file_bytes=None)
    log.write(numbered(0))
    rotated(tmp_path, 0).rename(tmp_path / "away")
    log.write(numbered(1))
    assert lines(tmp_path) == [1]


def test_a_folder_that_is_gone_is_not_made(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "gone", file_bytes=None)
    with pytest.raises(FileNotFoundError):
        log.write(LINE)
    log_folder = tmp_path / "gone"
    assert not log_folder.exists()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes."""
    disk = tmp_path / "output"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", disk], check=False).returncode != 0:
        pytest.skip("no file system may be mounted here")
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


def fill_with_log(log: LogFile) -> int:
    """Write until nothing more is taken, and say how many lines were."""
    for number in range(10_000):
        try:
            log.write(numbered(number))
        except OSError:
            return number
    raise AssertionError("a log has no end")


def fill_with_records(recorder: Recorder) -> int:
    """Record until the disk is full, and say how many records there are."""
    for number in range(100_000):
        try:
            recorder.append(METER, 1, at=START, api_type="vision.read")
        except AzlicError:
            return number
    raise AssertionError("a disk has no end")


def recorder_on(disk: Path) -> Recorder:
    return Recorder(disk, service="read", container_type="read", container_version="3.2.0", container_id="0123456789ab")


@only_root
@pytest.mark.skipif(shutil.which("mount") is None, reason="there is no mount command")
@pytest.mark.parametrize("file_bytes", [None, 100_000], ids=["without a bound", "in files"])
def test_a_disk_full_of_log_has_room_for_records_and_then_the_log_goes(
    small_disk: Path, file_bytes: int | None
) -> None:
    recorder = recorder_on(small_disk)
    log = LogFile(recorder.folder, file_bytes=file_bytes)
    if file_bytes is None:
        assert fill_with_log(log) > 1_000
    else:
        for number in range(1_200):
            log.write(numbered(number))
    written = 0
    for _ in range(20):
        for _ in range(60):
            recorder.append(METER, 1, at=START, api_type="vision.read")
            written += 1
        log.tend()
    while more := fill_with_records(recorder):
        written += more
        log.tend()
    with suppress(OSError):
        log.write(LINE)
    recorder.close()
    (file,) = scan_folders([small_disk]).files
    assert file.path.read_bytes().count(b"\n") == written
    assert lines(recorder.folder) == []  # all of the disk went to records in the end
    assert file.path.stat().st_size > 1_800_000


@only_root
@pytest.mark.skipif(shutil.which("mount") is None, reason="there is no mount command")
def test_a_disk_full_of_records_takes_no_log_and_a_log_goes_on_when_there_is_room(small_disk: Path) -> None:
    recorder = recorder_on(small_disk)
    fill_with_records(recorder)
    log = LogFile(recorder.folder, file_bytes=None)
    with pytest.raises(OSError, match="is for usage records"):
        log.write(LINE)
    (file,) = scan_folders([small_disk]).files
    file.path.unlink()
    log.write(numbered(7))
    assert lines(recorder.folder) == [7]
    recorder.close()


def test_ingest_knows_it_for_a_log_however_large_it_is(tmp_path: Path) -> None:
    log = LogFile(tmp_path, file_bytes=100_000)
    for number in range(300):
        log.write(numbered(number))
    scan = scan_folders([tmp_path])
    assert (scan.files, scan.passed_over) == ([], [])
    (tmp_path / "other.log").write_bytes(rotated(tmp_path, 1).read_bytes())
    (told,) = scan_folders([tmp_path]).passed_over
    assert told.path.name == "other.log"
