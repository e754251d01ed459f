import gzip
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from licensing.core.errors import AzlicError
from tests.usage.forked import as_nonroot, only_root, public_folder
from usage.records.output_scan import find_files
from usage.records.usage_files import BEGINNING, SIZES, FoundFile, OpenFile, ReadSizes, Stretch, UnreadableFile


def put(path: Path, content: bytes = b"{}\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def blocks(path: Path, start: int = 0, sizes: ReadSizes = SIZES) -> list[tuple[int, int, bytes]]:
    with OpenFile(path) as file:
        return [(block.start, block.stop, block.data) for block in file.blocks(start, sizes)]


def test_usage_files_are_found_at_any_depth_in_the_order_of_their_paths(tmp_path: Path) -> None:
    paths = [put(tmp_path / name) for name in ("read/b/u.jsonl", "read/a/2.jsonl", "read/a/1.jsonl", "0.jsonl")]
    assert [file.path for file in find_files([tmp_path])] == sorted(paths)


def test_a_file_is_found_once_however_often_it_is_named(tmp_path: Path) -> None:
    path = put(tmp_path / "read/a/u.jsonl")
    assert [file.path for file in find_files([tmp_path, path, path.parent / "../a/u.jsonl"])] == [path]


def test_a_file_named_outright_may_have_any_name(tmp_path: Path) -> None:
    assert [file.path.name for file in find_files([put(tmp_path / "copied.txt")])] == ["copied.txt"]


def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "u.jsonl")
    assert find_files([tmp_path]) == []
    with pytest.raises(UnreadableFile, match="it is not a regular file"):
        OpenFile(tmp_path / "u.jsonl")


def test_a_folder_named_like_a_file_is_a_folder(tmp_path: Path) -> None:
    inside = put(tmp_path / "odd.jsonl" / "u.jsonl")
    assert [file.path for file in find_files([tmp_path])] == [inside]


def test_a_missing_folder_is_an_error_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(AzlicError, match="there is no output folder") as refused:
        find_files([tmp_path / "none"])
    assert "Mounts:Output" in refused.value.hint


def test_a_file_that_is_gone_by_now_is_told_from_one_that_may_not_be_read(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        OpenFile(tmp_path / "u.jsonl")


@only_root
def test_a_folder_that_may_not_be_read_is_an_error() -> None:
    def look() -> str:
        with pytest.raises(AzlicError) as refused:
            find_files([output])
        return refused.value.message

    with public_folder() as output:
        closed = put(output / "read/a/u.jsonl").parent
        closed.chmod(0o700)
        assert as_nonroot(look) == f"the folder {closed} cannot be read: Permission denied"


@only_root
def test_a_file_that_may_not_be_read_is_an_error() -> None:
    def look() -> str:
        with pytest.raises(AzlicError) as refused:
            OpenFile(path)
        return refused.value.message

    with public_folder() as output:
        path = put(output / "u.jsonl")
        path.chmod(0o600)
        assert as_nonroot(look) == f"{path} cannot be read: Permission denied"


def test_blocks_hold_whole_lines_and_every_byte_of_them(tmp_path: Path) -> None:
    content = b"".join(b"x" * (number % 40) + b"\n" for number in range(200))
    path = put(tmp_path / "u.jsonl", content)
    for size in range(41, 90):
        found = blocks(path, sizes=ReadSizes(block=size))
        assert b"".join(data for *_, data in found) == content
        assert all(data.endswith(b"\n") and len(data) <= size for *_, data in found)
        assert [start for start, *_ in found[1:]] == [stop for _, stop, _ in found[:-1]]


@pytest.mark.parametrize(("start", "taken"), [(0, b"one\ntwo\n"), (4, b"two\n"), (8, b""), (11, b""), (99, b"")])
def test_what_stands_behind_the_last_newline_waits(tmp_path: Path, start: int, taken: bytes) -> None:
    path = put(tmp_path / "u.jsonl", b"one\ntwo\nthr")
    assert b"".join(data for *_, data in blocks(path, start)) == taken


def test_a_line_longer_than_a_block_is_passed_in_one_piece_once_it_ends(tmp_path: Path) -> None:
    small = ReadSizes(block=100_000)
    path = put(tmp_path / "u.jsonl", b"one\n" + b"x" * 250_001)
    with OpenFile(path) as file:
        assert [block.stop for block in file.blocks(0, small)] == [4]
        put(path, b"one\n" + b"x" * 250_001 + b"\ntwo\n")
        first, long, last = file.blocks(0, small)
        assert isinstance(long, Stretch)
        assert (first.stop, long.stop, last.start, last.data) == (4, 250_006, 250_006, b"two\n")
        assert (long.data, long.ending[-3:], long.is_hole) == (b"x" * BEGINNING, b"xx\n", False)
        assert b"".join(long.pieces()) == b"x" * 250_001 + b"\n"


def test_a_hole_is_passed_unread_and_what_stands_around_it_is_not(tmp_path: Path) -> None:
    path = put(tmp_path / "u.jsonl", b"one\ntorn")
    with path.open("r+b") as file:
        file.seek(1 << 30)
        file.write(b"two\n")
    with OpenFile(path) as opened:
        first, torn, hole, last = opened.blocks(0)
        assert isinstance(hole, Stretch) and hole.is_hole
        assert (first.data, torn.data, last.data) == (b"one\n", b"torn", b"two\n")
        assert (hole.start, hole.stop, last.start) == (8, 1 << 30, 1 << 30)
    os.truncate(path, 1 << 30)
    assert blocks(path) == [(0, 4, b"one\n")]


@pytest.mark.parametrize("name", ["u.jsonl.1", "u.jsonl-20260301", "u.jsonl.gz", "u.jsonl.2.gz"])
def test_rotated_files_are_usage_files(tmp_path: Path, name: str) -> None:
    path = put(tmp_path / "read" / name)
    assert [file.path for file in find_files([tmp_path])] == [path]


def test_a_compressed_file_is_read_by_the_offsets_of_its_lines(tmp_path: Path) -> None:
    path = put(tmp_path / "u.jsonl.gz", gzip.compress(b"one\ntwo\nthr"))
    assert blocks(path) == [(0, 8, b"one\ntwo\n")]
    with OpenFile(path) as file:
        assert (file.read(4, 3), file.read(0, 3), b"".join(file.stretches(4, 100))) == (b"two", b"one", b"two\nthr")


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-9], lambda data: b"no" + data, lambda data: data[:20] + b"x" * 9]
)
def test_a_damaged_compressed_file_is_unreadable_not_short(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = put(tmp_path / "u.jsonl.gz", damage(gzip.compress(random.Random(1).randbytes(900) + b"\n")))
    with pytest.raises(UnreadableFile, match="cannot be read"):
        blocks(path)


def test_a_file_is_the_same_after_its_name_has_changed(tmp_path: Path) -> None:
    path = put(tmp_path / "u.jsonl")
    (before,) = find_files([tmp_path])
    path.rename(tmp_path / "v.jsonl")
    (after,) = find_files([tmp_path])
    assert (before.identity, before.size) == (after.identity, after.size)


def test_a_device_number_of_the_full_64_bits_fits_a_database(tmp_path: Path) -> None:
    values = list(tmp_path.stat())
    values[1:3] = [2**64 - 1, 2**63]
    found = FoundFile.at(tmp_path, os.stat_result(values))
    assert found.identity == (-(2**63), -1)


def test_a_long_line_of_very_many_holes_is_read_a_few_times_and_not_once_for_each(tmp_path: Path) -> None:
    path = put(tmp_path / "u.jsonl", (b"x" + bytes(5_000)) * 1_500 + b"\n")

    def bytes_read() -> int:
        return int(Path("/proc/self/io").read_text().split()[1])

    before = bytes_read()
    found = blocks(path)
    assert len(found) == 3_001
    assert bytes_read() - before < 12 * path.stat().st_size
