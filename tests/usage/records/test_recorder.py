import gzip
import hashlib
import json
import os
import re
import resource
import shutil
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from licensing.core.errors import AzlicError
from tests.site import CONTAINER_ID, METER, START
from tests.usage.forked import as_nonroot, in_child, only_root, public_folder
from tests.usage.mount import Mount, rows
from usage.ledger.tables.records import RecordRow
from usage.records.record import GENESIS
from usage.records.recorder import Recorder

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)


def open_recorder(output: Path, container_id: str = CONTAINER_ID) -> Recorder:
    return Recorder(output, service="read", container_type="read", container_version="3.2.0", container_id=container_id)


def append(recorder: Recorder, quantity: int = 1, at: datetime = START) -> None:
    recorder.append(METER, quantity, at=at, api_type="vision.read")


def record_once(output: Path, quantity: int = 1, at: datetime = START, container_id: str = CONTAINER_ID) -> None:
    """One life of a container, in which it delivers one piece of work."""
    with closing(open_recorder(output, container_id)) as recorder:
        append(recorder, quantity, at)


def lines(folder: Path) -> list[bytes]:
    """All lines of all usage files, in the order of the files' names; every one of them has its newline."""
    whole = b"".join(path.read_bytes() for path in sorted(folder.rglob("usage-*.jsonl")))
    assert not whole or whole.endswith(b"\n")
    return whole.splitlines()


def check_chain(found: list[bytes]) -> None:
    """Sequence and digests, verified by hand."""
    previous = GENESIS
    for number, line in enumerate(found, start=1):
        fields = json.loads(line)
        assert (fields["sequence"], fields["previous"]) == (number, previous)
        previous = hashlib.sha256(line).hexdigest()


def test_a_line_is_written_as_documented_to_the_byte(tmp_path: Path) -> None:
    record_once(tmp_path, 3)
    content = (tmp_path / "read" / CONTAINER_ID / "usage-2026-03-01.jsonl").read_text()
    identity = json.loads(content)["id"]
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", identity)
    assert content == (
        f'{{"id":"{identity}","containerType":"read","containerVersion":"3.2.0","containerId":"{CONTAINER_ID}",'
        f'"meter":{{"name":"{METER}","quantity":3}},"requestTime":1772352000000,"apiType":"vision.read",'
        f'"sequence":1,"previous":"{GENESIS}"}}\n'
    )


def test_the_file_is_that_of_the_day_in_utc(tmp_path: Path) -> None:
    with closing(open_recorder(tmp_path)) as recorder:
        append(recorder, at=MIDNIGHT - timedelta(microseconds=1))
        append(recorder, at=MIDNIGHT.astimezone(timezone(timedelta(hours=-8))))
    days = sorted(path.name for path in recorder.folder.iterdir())
    assert days == ["usage-2026-03-01.jsonl", "usage-2026-03-02.jsonl"]
    check_chain(lines(tmp_path))


def test_every_record_is_bound_to_the_line_before(tmp_path: Path) -> None:
    for day in range(3):
        with closing(open_recorder(tmp_path)) as recorder:
            for _ in range(4):
                append(recorder, at=START + timedelta(days=day))
    found = lines(tmp_path)
    assert len(found) == 12
    check_chain(found)


def test_threads_share_one_chain(tmp_path: Path) -> None:
    with closing(open_recorder(tmp_path)) as recorder, ThreadPoolExecutor(4) as pool:
        for written in [pool.submit(append, recorder) for _ in range(100)]:
            written.result()
    found = lines(tmp_path)
    assert len(found) == 100
    check_chain(found)


def test_work_of_the_old_day_that_comes_after_midnight_does_not_break_the_chain(mount: Mount) -> None:
    with closing(open_recorder(mount.site.output)) as recorder:
        for milliseconds in (-2, 0, -1, 1):
            append(recorder, at=MIDNIGHT + timedelta(milliseconds=milliseconds))
    check_chain(lines(mount.site.output))
    receipt = mount.ingest()
    assert (receipt.new, receipt.clean) == (4, True)


@pytest.mark.parametrize("left", [b"", b'{"id":"torn'])
def test_a_day_without_a_whole_record_is_passed_over_at_restart(tmp_path: Path, left: bytes) -> None:
    record_once(tmp_path)
    (tmp_path / "read" / CONTAINER_ID / "usage-2026-03-02.jsonl").write_bytes(left)
    record_once(tmp_path, at=MIDNIGHT)
    check_chain([line for line in lines(tmp_path) if line != left])


def test_a_whole_record_without_its_newline_counts(tmp_path: Path) -> None:
    record_once(tmp_path)
    path = tmp_path / "read" / CONTAINER_ID / "usage-2026-03-01.jsonl"
    path.write_bytes(path.read_bytes()[:-1])
    record_once(tmp_path)
    assert len(lines(tmp_path)) == 2
    check_chain(lines(tmp_path))


def test_a_line_cut_at_any_byte_loses_no_other_record(mount: Mount) -> None:
    output = mount.site.output
    whole = cut = 0
    while True:
        container = f"{cut:012x}"
        with closing(open_recorder(output, container)) as recorder:
            for _ in range(3):
                append(recorder)
        path = mount.path(container=container)
        last = path.read_bytes().splitlines(keepends=True)[-1]
        os.truncate(path, path.stat().st_size - len(last) + cut)
        record_once(output, container_id=container)
        if cut == len(last):
            break
        whole, cut = whole + 3 + (cut == len(last) - 1), cut + 1
    receipt = mount.ingest()
    assert (receipt.new, receipt.findings, receipt.pending_bytes) == (whole + 4, 0, 0)
    assert receipt.quarantined == len(last) - 2


def test_a_line_of_garbage_does_not_keep_the_recorder_from_starting(mount: Mount) -> None:
    record_once(mount.site.output)
    mount.put(b'\xff\xfe\x00{"id":"\xff"}\n{"id":1e999999999999999999999}\n' + b"[" * 50_000, mode="ab")
    record_once(mount.site.output)
    receipt = mount.ingest()
    assert (receipt.new, receipt.quarantined, receipt.findings) == (2, 3, 0)
    assert [row.sequence for row in rows(mount.ledger, RecordRow)] == [1, 2]


def test_a_second_recorder_for_the_same_container_is_refused(tmp_path: Path) -> None:
    with closing(open_recorder(tmp_path)) as recorder:
        with pytest.raises(AzlicError, match=f"another container already writes to {recorder.folder}"):
            open_recorder(tmp_path)
        open_recorder(tmp_path, "ba9876543210").close()
    open_recorder(tmp_path).close()


def test_a_missing_output_folder_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(AzlicError, match="there is no such folder") as refused:
        open_recorder(tmp_path / "output")
    assert "Mounts:Output" in refused.value.hint
    assert not (tmp_path / "output").exists()


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "read").write_text("in the way")
    with pytest.raises(AzlicError, match="cannot be written"):
        open_recorder(tmp_path)


def test_a_closed_recorder_takes_nothing(tmp_path: Path) -> None:
    recorder = open_recorder(tmp_path)
    append(recorder)
    recorder.close()
    with pytest.raises(AzlicError):
        append(recorder)
    assert len(lines(tmp_path)) == 1


@only_root
def test_a_folder_that_is_not_the_containers_own_is_refused() -> None:
    def start() -> str:
        with pytest.raises(AzlicError) as refused:
            open_recorder(output)
        return f"{refused.value.message}\n{refused.value.hint}"

    with public_folder() as output:
        answer = as_nonroot(start)
        assert answer.startswith(f"usage records cannot be written to {output}/read/{CONTAINER_ID}: Permission denied")
        assert "chown -R 65532:65532" in answer
        os.chown(output, 65532, 65532)
        as_nonroot(lambda: record_once(output))
        assert len(lines(output)) == 1


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """A disk that takes files up to a size and no more, for this process."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))


@pytest.mark.parametrize("room", [0, 1, 100, 330])
def test_on_a_full_disk_no_half_line_is_left_and_the_next_goes_on_when_there_is_room(tmp_path: Path, room: int) -> None:
    def fill() -> None:
        with closing(open_recorder(tmp_path)) as recorder:
            append(recorder)
            size = path.stat().st_size
            with room_for(size + room), pytest.raises(AzlicError, match="cannot be written to"):
                append(recorder)
            assert path.stat().st_size == size
            append(recorder)

    path = tmp_path / "read" / CONTAINER_ID / "usage-2026-03-01.jsonl"
    in_child(fill)
    assert len(lines(tmp_path)) == 2
    check_chain(lines(tmp_path))


def test_a_deleted_file_is_made_anew_and_its_records_are_missed_by_the_ledger(mount: Mount) -> None:
    with closing(open_recorder(mount.site.output)) as recorder:
        append(recorder)
        mount.ingest()
        append(recorder)
        mount.path().unlink()
        append(recorder)
    receipt = mount.ingest()
    assert (receipt.new, receipt.clean, mount.kinds()["gap"]) == (1, False, 1)


def test_records_are_refused_once_their_folder_is_deleted(tmp_path: Path) -> None:
    with closing(open_recorder(tmp_path)) as recorder:
        append(recorder)
        shutil.rmtree(recorder.folder)
        with pytest.raises(AzlicError, match="cannot be written"):
            append(recorder)


@pytest.mark.parametrize("compressed", [False, True])
def test_a_file_rotated_under_a_running_container_is_not_written_to_any_more(mount: Mount, compressed: bool) -> None:
    path = mount.path()
    with closing(open_recorder(mount.site.output)) as recorder:
        for turn in range(1, 4):
            append(recorder)
            append(recorder)
            rotated = path.rename(path.with_name(f"{path.name}-{20260300 + turn}"))
            if compressed:
                rotated.with_name(f"{rotated.name}.gz").write_bytes(gzip.compress(rotated.read_bytes()))
                rotated.unlink()
        append(recorder)
    receipt = mount.ingest()
    assert (receipt.new, receipt.files, receipt.clean) == (7, 4, True)


def test_a_file_copied_and_truncated_under_a_running_container_goes_on_from_its_beginning(mount: Mount) -> None:
    with closing(open_recorder(mount.site.output)) as recorder:
        append(recorder)
        mount.put(mount.path().read_bytes(), "usage-2026-03-01.jsonl.1")
        os.truncate(mount.path(), 0)
        append(recorder)
    receipt = mount.ingest()
    assert (receipt.new, receipt.clean) == (2, True)
