"""What is compressed is unpacked a bounded number of times, counted by the calls of the decoders and not by a clock."""

import bz2
import gzip
import hashlib
import itertools
import lzma
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from backports import zstd

from tests.usage.lines import a_line
from tests.usage.mount import Mount
from usage.intake.matching import Memory
from usage.intake.run import NotAllRead, ingest
from usage.records.compression import Decompressed, decoder_of
from usage.records.usage_files import OpenFile, Stretch, UnreadableFile

_CALL = 64 * 1024
"""A decoder is asked for no more than this at a time."""
Compress = Callable[[bytes], bytes]
FORMATS: dict[str, Compress] = {
    "gzip": lambda data: gzip.compress(data, 1),
    "bzip2": bz2.compress,
    "xz": lambda data: lzma.compress(data, preset=0),
    "lzma": lambda data: lzma.compress(data, format=lzma.FORMAT_ALONE, preset=0),
    "zstd": lambda data: zstd.compress(data, 1),
}
QUICK = ("gzip", "zstd")
ALL = [pytest.param(name, marks=() if name in QUICK else pytest.mark.long) for name in FORMATS]


def lines_of(length: int, total: int) -> bytes:
    """Lines of a length each, no two alike, of so many bytes in all."""
    filler = b"0123456789abcdef" * (length // 16)
    return b"".join(b"%08d" % number + filler[: length - 9] + b"\n" for number in range(total // length))


def count_calls(work: Callable[[], Any]) -> int:
    """How many times a decoder was called."""
    calls = itertools.count()

    def look(_frame: FrameType, event: str, called: Any) -> None:
        if event == "c_call" and called.__name__ == "decompress":
            next(calls)

    sys.setprofile(look)
    try:
        work()
    finally:
        sys.setprofile(None)
    return next(calls)


def read_whole(path: Path) -> bytes:
    """The digest of all that a file's blocks hold."""
    digest = hashlib.sha256()
    with OpenFile(path) as file:
        for block in file.blocks(0):
            for piece in block.pieces() if isinstance(block, Stretch) else [block.data]:
                digest.update(piece)
    return digest.digest()


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("length", [1_000, 5_000_000, 24_000_000])
def test_a_file_is_unpacked_twice_at_most_however_long_its_lines_are(tmp_path: Path, name: str, length: int) -> None:
    path, content = tmp_path / "usage.jsonl.x", lines_of(length, 24_000_000)
    path.write_bytes(FORMATS[name](content))
    found: list[bytes] = []
    calls = count_calls(lambda: found.append(read_whole(path)))
    assert found == [hashlib.sha256(content).digest()]
    assert calls <= 2.5 * len(content) / _CALL


class Counting:
    """A decoder, and how many bytes it and its like were handed."""

    handed = 0

    def __init__(self, decoder: Any) -> None:
        self._decoder = decoder

    def __getattr__(self, name: str) -> Any:
        return getattr(self._decoder, name)

    def decompress(self, data: bytes, length: int) -> bytes:
        Counting.handed += len(data)
        found: bytes = self._decoder.decompress(data, length)
        return found


@pytest.mark.parametrize("name", FORMATS)
def test_of_very_many_members_each_is_handed_little_more_than_itself(tmp_path: Path, name: str) -> None:
    empty, count = FORMATS[name](b""), 3_000 if name in QUICK else 300
    path = tmp_path / "usage.jsonl.x"
    path.write_bytes(empty * count + bytes(100_000) + FORMATS[name](b"x\n") + bytes(9))
    new = decoder_of(empty)
    assert new is not None
    before = Counting.handed
    with path.open("rb") as file:
        content = Decompressed(file.fileno(), lambda: Counting(new()))
        assert (content.read(0, 9), content.read(2, 9)) == (b"x\n", b"")
    assert Counting.handed - before < 2 * path.stat().st_size + 128 * count


def broken(name: str) -> Iterator[tuple[str, bytes]]:
    compress = FORMATS[name]
    whole = compress(a_line("whole") + b"\n" + lines_of(100, 2_000))
    yield "truncated", whole[: len(whole) // 2]
    yield "something behind it", whole + b"something else"
    yield "another kind behind it", whole + FORMATS["gzip" if name != "gzip" else "zstd"](b"{}\n")
    yield "the beginning alone", whole[:9]


@pytest.mark.parametrize("name", FORMATS)
def test_a_damaged_file_is_named_and_the_others_are_taken(mount: Mount, name: str) -> None:
    for number, (what, content) in enumerate(broken(name)):
        folder = mount.site.output / "read" / f"{name}{number}"
        folder.mkdir(parents=True)
        (folder / f"{what}.jsonl.x").write_bytes(content)
        (folder / "good.jsonl.x").write_bytes(FORMATS[name](a_line(f"{name}{number}") + b"\n"))
    with pytest.raises(NotAllRead) as error:
        mount.ingest()
    named = {item.path.name for item in error.value.receipt.passed_over}
    assert named == {f"{what}.jsonl.x" for what, _ in broken(name)}
    assert error.value.receipt.new == 4


def test_a_gibibyte_in_one_line_is_given_up_by_its_ratio_and_the_next_file_is_taken(mount: Mount) -> None:
    folder = mount.site.output / "read" / "bomb"
    folder.mkdir(parents=True)
    packer = zstd.ZstdCompressor(1)
    piece = b"{" * 1024 * 1024
    packed = [packer.compress(piece) for _ in range(1024)]
    (folder / "a.jsonl.zst").write_bytes(b"".join(packed) + packer.flush())
    (folder / "b.jsonl").write_bytes(a_line("b") + b"\n")

    def run() -> None:
        with pytest.raises(NotAllRead, match="more than 500 times its size") as error:
            mount.ingest()
        assert [item.path.name for item in error.value.receipt.passed_over] == ["a.jsonl.zst"]
        assert error.value.receipt.new == 1

    assert count_calls(run) <= 1.1 * 256 * 1024 * 1024 / _CALL


def test_what_was_refused_is_not_unpacked_again_before_it_changes(mount: Mount) -> None:
    folder, memory = mount.site.output / "read" / "torn", Memory()
    folder.mkdir(parents=True)
    (folder / "a.jsonl.gz").write_bytes(gzip.compress(a_line("c") + b"\n" + b"{" * 3_000_000)[:-20])

    def run() -> None:
        with pytest.raises(NotAllRead, match="ends before its end"):
            ingest(mount.ledger, [mount.site.output], now=mount.site.now, memory=memory)

    assert count_calls(run) > 2
    (folder / "b.jsonl").write_bytes(a_line("b") + b"\n")
    assert count_calls(run) == 0
    (folder / "a.jsonl.gz").write_bytes(gzip.compress(a_line("a") + b"\n"))
    assert ingest(mount.ledger, [mount.site.output], now=mount.site.now, memory=memory).new == 1


def test_what_is_packed_twice_is_said_and_not_unpacked_further(tmp_path: Path) -> None:
    path = tmp_path / "usage.jsonl.gz"
    path.write_bytes(gzip.compress(gzip.compress(bytes(1_000_000))))
    with OpenFile(path) as file:
        assert [*file.blocks(0)] == []
    with pytest.raises(UnreadableFile, match="damaged"):
        path.write_bytes(gzip.compress(b"{}\n") + b"tail")
        read_whole(path)
