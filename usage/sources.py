"""Usage files in an output folder: which there are, and their whole lines in blocks.

Layout: ``{Mounts:Output}/{service}/{container id}/usage-YYYY-MM-DD.jsonl`` (facts §2.4).
"""

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from licensing.errors import AzlicError

PATTERN = "*.jsonl"
BLOCK_BYTES = 4 * 1024 * 1024
LINE_BYTES = 1024 * 1024
"""A longer line is taken in pieces, each of which goes to quarantine."""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A usage file as it lies on the disk now."""

    path: Path
    device: int
    inode: int
    size: int

    @property
    def identity(self) -> tuple[int, int]:
        """What stays the same when the file is renamed."""
        return self.device, self.inode

    @classmethod
    def at(cls, path: Path, status: os.stat_result) -> Self:
        """The file behind a path, from its status."""
        return cls(path, _signed(status.st_dev), _signed(status.st_ino), status.st_size)


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of whole lines: ``data`` ends with a newline, unless a single line is longer than is taken in one."""

    start: int
    data: bytes

    @property
    def stop(self) -> int:
        """The offset just behind the block."""
        return self.start + len(self.data)


class OpenFile:
    """A usage file held open, so that what is read is what was looked at, whatever happens to its name.

    Raises ``AzlicError`` when it cannot be opened or read, ``FileNotFoundError`` when it is gone by now.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise self._unreadable(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def look(self) -> FoundFile:
        """The file as it is at this moment."""
        return FoundFile.at(self._path, os.fstat(self._descriptor))

    def bytes_before(self, offset: int, length: int) -> bytes:
        """The last ``length`` bytes before an offset, fewer where the file has no more."""
        start = max(0, offset - length)
        return self._read(offset - start, start)

    def blocks(self, start: int) -> Iterator[Block]:
        """The whole lines from ``start`` on. What stands behind the last newline is left for another time."""
        while data := self._read(BLOCK_BYTES, start):
            end = data.rfind(b"\n") + 1
            if end == 0:
                if len(data) < LINE_BYTES:
                    return
                end = LINE_BYTES
            yield Block(start, data[:end])
            start += end

    def _read(self, length: int, start: int) -> bytes:
        try:
            return os.pread(self._descriptor, length, start)
        except OSError as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: OSError) -> AzlicError:
        return AzlicError(
            f"{self._path} cannot be read: {error.strerror}",
            hint="run as a user who may read the output mount; what was taken before stays taken",
        )


def find_files(paths: Iterable[Path]) -> list[FoundFile]:
    """The usage files below folders, and files named outright, in the order of their paths.

    Raises ``AzlicError`` for a path that is not there or a folder that may not be read.
    """
    found: dict[Path, FoundFile] = {}
    for path in paths:
        for file in _below(path):
            try:
                status = file.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            if stat.S_ISREG(status.st_mode):
                found[file] = FoundFile.at(file, status)
    return [found[path] for path in sorted(found)]


def _below(path: Path) -> Iterator[Path]:
    absolute = path.resolve()
    if absolute.is_file():
        yield absolute
        return
    if not absolute.is_dir():
        raise AzlicError(f"there is no output folder {path}", hint="name the folder that Mounts:Output stands for")

    def refuse(error: OSError) -> None:
        raise AzlicError(
            f"the folder {error.filename} cannot be read: {error.strerror}",
            hint="run as a user who may read the output mount",
        ) from error

    for folder, _, names in os.walk(absolute, onerror=refuse):
        for name in names:
            file = Path(folder, name)
            if file.match(PATTERN):
                yield file


def _signed(number: int) -> int:
    """A device or inode number as the signed 64 bits a database holds."""
    return number - (1 << 64) if number >= 1 << 63 else number
