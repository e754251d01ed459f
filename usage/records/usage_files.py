"""Usage files in an output folder: which there are, and their whole lines in blocks.

Layout: ``{Mounts:Output}/{service}/{container id}/usage-YYYY-MM-DD.jsonl`` (facts §2.4), also rotated and compressed.
"""

import contextlib
import gzip
import os
import re
import stat
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self, cast

from licensing.core.errors import AzlicError
from licensing.core.text import printable


@dataclass(frozen=True, slots=True)
class ReadSizes:
    """How many bytes of usage files are taken at a time."""

    block: int = 4 * 1024 * 1024
    line: int = 1024 * 1024
    """A longer line is taken in pieces, each of which goes to quarantine."""
    commit: int = 48 * 1024 * 1024
    """So much is read before it is committed; a killed ingest reads at most this again."""


SIZES = ReadSizes()

_NAME = re.compile(r"(?P<base>.*\.jsonl)(?P<turns>([.-]\d+)*)(\.gz)?")
_DATE_FROM = 1000
"""A smaller number behind a name counts rotations: the larger, the older. From here on it is a date."""


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
    """A stretch of whole lines: ``data`` ends with a newline, unless a single line is longer than is taken in one."""

    start: int
    data: bytes

    @property
    def stop(self) -> int:
        """The offset just behind the block."""
        return self.start + len(self.data)


class UnreadableFile(AzlicError):
    """A usage file could not be read, or not to its end."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"{printable(path)} cannot be read: {reason}",
            hint="run as a user who may read the output mount; what was taken before is kept",
        )


class OpenFile:
    """A usage file held open, so that what is read is what was looked at, whatever happens to its name.

    Offsets count the bytes of the lines: those of a ``.gz`` file are its decompressed ones. Raises ``UnreadableFile``
    when it cannot be opened or read, ``FileNotFoundError`` when it is gone by now.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise UnreadableFile(path, error.strerror or str(error)) from error
        self._file = os.fdopen(descriptor, "rb", buffering=0)
        self.compressed = path.suffix == ".gz"
        self._content: BinaryIO = cast(BinaryIO, gzip.GzipFile(fileobj=self._file) if self.compressed else self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def look(self) -> FoundFile:
        """The file as it is at this moment."""
        return FoundFile.at(self._path, os.fstat(self._file.fileno()))

    def read(self, start: int, length: int) -> bytes:
        """Up to ``length`` bytes from an offset; fewer only where the file ends."""
        try:
            data = self._read_at(start, length)
            while len(data) < length and (more := self._read_at(start + len(data), length - len(data))):
                data += more
        except (OSError, EOFError, zlib.error) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise UnreadableFile(self._path, reason) from error
        return data

    def _read_at(self, start: int, length: int) -> bytes:
        if not self.compressed:
            return os.pread(self._file.fileno(), length, start)
        self._content.seek(start)
        return self._content.read(length)

    def stretches(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from one offset to another, in pieces; fewer where the file ends."""
        while start < stop and (data := self.read(start, min(SIZES.block, stop - start))):
            yield data
            start += len(data)

    def blocks(self, start: int, sizes: ReadSizes = SIZES) -> Iterator[Block]:
        """The whole lines from ``start`` on. What follows the last newline is left for later."""
        while data := self.read(start, sizes.block):
            end = data.rfind(b"\n") + 1
            if end == 0:
                if len(data) < sizes.line:
                    return
                end = sizes.line
            yield Block(start, data if end == len(data) else data[:end])
            start += end


def is_usage_file(path: Path) -> bool:
    """Whether a name is that of a usage file, as written or as rotated: ``.jsonl``, ``.jsonl.1``, ``.jsonl.gz``."""
    return _NAME.fullmatch(path.name) is not None


def find_files(paths: Iterable[Path]) -> list[FoundFile]:
    """The usage files below folders, and files named outright: in the order of their paths, rotated ones oldest first.

    Raises ``AzlicError`` for a path that is not there or a folder that may not be read.
    """
    found: dict[Path, FoundFile] = {}
    for path in paths:
        for file in _below(path):
            try:
                status = file.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise _refusal(file, error) from error
            if stat.S_ISREG(status.st_mode):
                found[file] = FoundFile.at(file, status)
    return [found[path] for path in sorted(found, key=_age)]


def beside(path: Path) -> list[FoundFile]:
    """The usage files that lie in a path's folder now, as far as that can be seen."""
    files: list[Path] = []
    with contextlib.suppress(OSError):
        files = [file for file in path.parent.iterdir() if is_usage_file(file)]
    found: list[FoundFile] = []
    for file in files:
        with contextlib.suppress(OSError):
            status = file.stat(follow_symlinks=False)
            if stat.S_ISREG(status.st_mode):
                found.append(FoundFile.at(file, status))
    return found


def _age(path: Path) -> tuple[Path, str, bool, list[int], str]:
    """A key that sorts paths, and the rotated files of one name from the oldest to the one that is written."""
    parts = _NAME.fullmatch(path.name)
    if parts is None:
        return path.parent, path.name, False, [], path.name
    turns = [int(number) for number in re.findall(r"\d+", parts["turns"])]
    ages = [number if number >= _DATE_FROM else -number for number in turns]
    return path.parent, parts["base"], not turns, ages, path.name


def _refusal(path: Path, error: OSError) -> AzlicError:
    return AzlicError(
        f"{printable(path)} cannot be examined: {error.strerror}", hint="run as a user who may read the output mount"
    )


def _below(path: Path) -> Iterator[Path]:
    try:
        absolute = path.resolve()
        is_file, is_folder = absolute.is_file(), absolute.is_dir()
    except OSError as error:
        raise _refusal(path, error) from error
    if is_file:
        yield absolute
        return
    if not is_folder:
        raise AzlicError(f"there is no output folder {path}", hint="name the folder that Mounts:Output refers to")

    def refuse(error: OSError) -> None:
        if isinstance(error, FileNotFoundError):
            return  # removed while we walked
        raise AzlicError(
            f"the folder {error.filename} cannot be read: {error.strerror}",
            hint="run as a user who may read the output mount",
        ) from error

    for folder, _, names in os.walk(absolute, onerror=refuse):
        for name in names:
            file = Path(folder, name)
            if is_usage_file(file):
                yield file


def _to_signed(number: int) -> int:
    """A device or inode number as the signed 64 bits a database holds."""
    return number - (1 << 64) if number >= 1 << 63 else number
