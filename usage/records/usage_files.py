"""Usage files: what is known of one on the disk, and its whole lines in blocks.

Layout: ``{Mounts:Output}/{service}/{container id}/usage-YYYY-MM-DD.jsonl`` (facts §2.4), also rotated and compressed.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from licensing.core.errors import AzlicError
from licensing.core.text import printable
from usage.records.compression import Damaged, Decompressed, decoder_of
from usage.records.foreign import foreign
from usage.records.usage_names import has_compressed_name


@dataclass(frozen=True, slots=True)
class ReadSizes:
    """How many bytes of usage files are taken at a time."""

    block: int = 4 * 1024 * 1024
    """A longer line is never held whole."""
    commit: int = 48 * 1024 * 1024
    """So much is read before it is committed; a killed ingest reads at most this again."""


SIZES = ReadSizes()

BEGINNING = 64 * 1024
"""So much of a file, or of a line that is not taken, is looked at or kept."""
_ENDING = 256
_HOLE = bytes(4096)
"""So many NUL bytes part the pieces of a line that is longer than a block."""
_LONGEST_HOLE = 16 * 1024**3
_ZEROS = bytes(1024 * 1024)
_DAMAGED = "if it is still being written, the next ingest takes it; else restore it from a copy"


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A usage file as it is on the disk now. ``changed_ns`` is its ctime: any write, rename or restore moves it."""

    path: Path
    device: int
    inode: int
    size: int
    changed_ns: int

    @property
    def text(self) -> str:
        """The path as text."""
        return printable(self.path)

    @property
    def identity(self) -> tuple[int, int]:
        """What stays the same when the file is renamed."""
        return self.device, self.inode

    @classmethod
    def at(cls, path: Path, status: os.stat_result) -> Self:
        """The file behind a path, from its status."""
        return cls(path, _to_signed(status.st_dev), _to_signed(status.st_ino), status.st_size, status.st_ctime_ns)


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of lines: ``data`` ends with a newline, unless it is a piece of a line that a hole goes through."""

    start: int
    data: bytes

    @property
    def stop(self) -> int:
        """The offset just behind the block."""
        return self.start + len(self.data)

    @property
    def ending(self) -> bytes:
        """The last bytes."""
        return self.data[-_ENDING:]


@dataclass(frozen=True, slots=True)
class Stretch:
    """What is passed in one piece and never held whole: a hole of NUL bytes, or (a piece of) a line that is too long.

    ``data`` is how it begins, ``ending`` how it ends; a newline at the end belongs to it.
    """

    file: "OpenFile"
    start: int
    stop: int
    data: bytes
    ending: bytes
    is_hole: bool

    def pieces(self) -> Iterator[bytes]:
        """All its bytes. Those of a hole are not read."""
        if not self.is_hole:
            yield from self.file.stretches(self.start, self.stop)
            return
        left = self.stop - self.start
        while left > 0:
            yield _ZEROS if left >= len(_ZEROS) else _ZEROS[:left]
            left -= len(_ZEROS)


class UnreadableFile(AzlicError):
    """A usage file could not be read, or not to its end."""

    def __init__(self, path: Path, reason: str, *, hint: str = "run as a user who may read the output mount") -> None:
        self.reason = reason
        super().__init__(f"{printable(path)} cannot be read: {reason}", hint=f"{hint}; what was taken before is kept")


class ForeignFile(UnreadableFile):
    """A file that can be read, and whose content is not taken as it stands; the reason says what to do."""


class DamagedFile(UnreadableFile):
    """A compressed file that cannot be unpacked, or grows too much: reading it again says the same until it changes."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason, hint=_DAMAGED)


class OpenFile:
    """A usage file held open, so that what is read is what was looked at, whatever happens to its name.

    Offsets count the bytes of the lines: those of a compressed file are its decompressed ones; whether it is one, its
    first bytes say. Raises ``UnreadableFile`` when it cannot be opened or read, ``FileNotFoundError`` when it is gone.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise UnreadableFile(path, error.strerror or str(error)) from error
        try:
            self._content = self._open()
        except BaseException:
            os.close(self._descriptor)
            raise
        self.compressed = self._content is not None

    def _open(self) -> Decompressed | None:
        if not stat.S_ISREG(os.fstat(self._descriptor).st_mode):
            raise UnreadableFile(self._path, "it is not a regular file", hint="name a file, or the folder it lies in")
        try:
            beginning = os.pread(self._descriptor, 512, 0)
        except OSError as error:
            raise UnreadableFile(self._path, error.strerror or str(error)) from error
        if (decoder := decoder_of(beginning)) is not None:
            return Decompressed(self._descriptor, decoder)
        if (reason := foreign(beginning)) is not None:
            raise ForeignFile(self._path, reason)
        if has_compressed_name(self._path) and beginning and not beginning.lstrip(b"\xef\xbb\xbf\0\r\n ")[:1] == b"{":
            raise DamagedFile(self._path, "its name says that it is compressed, and it is not")
        return None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def look(self) -> FoundFile:
        """The file as it is at this moment."""
        return FoundFile.at(self._path, os.fstat(self._descriptor))

    def read(self, start: int, length: int) -> bytes:
        """Up to ``length`` bytes from an offset; fewer only where the file ends."""
        pieces: list[bytes] = []
        try:
            while length > 0 and (piece := self._read_at(start, length)):
                pieces.append(piece)
                start += len(piece)
                length -= len(piece)
        except Damaged as error:
            raise DamagedFile(self._path, str(error)) from error
        except OSError as error:
            raise UnreadableFile(self._path, error.strerror or str(error)) from error
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _read_at(self, start: int, length: int) -> bytes:
        if self._content is None:
            return os.pread(self._descriptor, length, start)
        return self._content.read(start, length)

    def stretches(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from one offset to another, in pieces; fewer where the file ends."""
        while start < stop and (data := self.read(start, min(SIZES.block, stop - start))):
            yield data
            start += len(data)

    def blocks(self, start: int, sizes: ReadSizes = SIZES) -> Iterator[Block | Stretch]:
        """The whole lines from ``start`` on. What follows the last newline is left for later."""
        while data := self.read(start, sizes.block):
            end = data.rfind(b"\n") + 1
            if end:
                yield Block(start, data if end == len(data) else data[:end])
                start += end
                continue
            found = self._end_of_line(start + len(data), sizes) if len(data) == sizes.block else None
            if found is None:
                return
            yield from self._long_line(start, found, sizes)
            start = found

    def _end_of_line(self, at: int, sizes: ReadSizes) -> int | None:
        """The offset behind the next newline; None where the line has not ended."""
        while data := self.read(at := self._next_data(at), sizes.block):
            found = data.find(b"\n")
            if found >= 0:
                return at + found + 1
            at += len(data)
        return None

    def _next_data(self, at: int) -> int:
        """Where data follows after an offset, as far as the file system tells: it passes over holes unread."""
        if self._content is not None:
            return at
        try:
            return max(at, os.lseek(self._descriptor, at, os.SEEK_DATA))
        except OSError:
            return at  # behind the end, or a file system that does not say

    def _long_line(self, at: int, end: int, sizes: ReadSizes) -> Iterator[Block | Stretch]:
        """A line longer than a block: its holes, and what stands between them."""
        while at < end:
            stop = self._end_of_zeros(at, end, sizes)
            if stop - at < len(_HOLE):
                stop = self._next_hole(at, end) if not self.compressed else end
                yield self._stretch(at, stop) if stop - at > sizes.block else Block(at, self.read(at, stop - at))
            elif stop - at > _LONGEST_HOLE:
                raise ForeignFile(self._path, f"{stop - at:,} NUL bytes stand at byte {at}")
            else:
                yield Stretch(self, at, stop, bytes(min(BEGINNING, stop - at)), bytes(_ENDING), True)
            at = stop

    def _stretch(self, start: int, stop: int) -> Stretch:
        return Stretch(self, start, stop, self.read(start, BEGINNING), self.read(stop - _ENDING, _ENDING), False)

    def _end_of_zeros(self, at: int, end: int, sizes: ReadSizes) -> int:
        length = len(_HOLE)
        while at < end:
            at = self._next_data(at)
            data = self.read(at, min(length, max(0, end - at)))
            text = data.lstrip(b"\0")
            if text or not data:
                return min(end, at + len(data) - len(text))
            at += len(data)
            length = min(2 * length, sizes.block)
        return end

    def _next_hole(self, at: int, end: int) -> int:
        """The next hole: of a line with many, little is read twice."""
        length = 2 * len(_HOLE)
        while at < end:
            data = self.read(at, min(length, end - at))
            found = data.find(_HOLE)
            if found >= 0:
                return at + found
            if len(data) < len(_HOLE):
                return end
            at += len(data) - len(_HOLE) + 1
            length = min(2 * length, SIZES.block)
        return end


def is_compressed(path: Path) -> bool:
    """Whether a file's content is compressed, as far as it can be read."""
    try:
        with OpenFile(path) as file:
            return file.compressed
    except (FileNotFoundError, UnreadableFile):
        return has_compressed_name(path)


def _to_signed(number: int) -> int:
    """A device or inode number as the signed 64 bits a database holds."""
    return number - (1 << 64) if number >= 1 << 63 else number
