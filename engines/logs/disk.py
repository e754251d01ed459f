"""The log in the output mount: files of a bounded size, which give way to usage records."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from engines.logs.lines import json_line
from usage.records.container_log import rotated

KEPT = 9
"""So many full files are kept besides the one that is written."""
RESERVE_BYTES = 64 * 1024 * 1024
"""So much of a disk is left to usage records; of a smaller disk, a quarter."""
MEGABYTE = 1024 * 1024


class LogFile:
    """The log of one container, beside its usage records, with ``file_bytes`` in each file, or no bound for None.

    Where less than the reserve is free, full files are removed, the oldest first, and nothing is written; where less
    than half of it is, the one that is written is removed as well. So no log ever takes the room of a usage record.
    """

    def __init__(self, folder: Path, *, file_bytes: int | None) -> None:
        self._folder = folder
        self._file_bytes = file_bytes
        self._path = rotated(folder, 0)

    def write(self, told: dict[str, object]) -> None:
        """Append a line, whole or not at all."""
        line = json_line(told) + b"\n"
        if not self._has_room(len(line)):
            raise OSError(f"what is left of the disk is for usage records ({_free(self._folder)[0]:,} bytes)")
        self._turn(len(line))
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC, 0o640)
        try:
            before = os.fstat(file).st_size
            if os.write(file, line) != len(line):
                os.ftruncate(file, before)
                raise OSError("the line did not fit")
        finally:
            os.close(file)

    def tend(self) -> None:
        """Give way where room has become short."""
        self._has_room(0)

    def close(self) -> None:
        """Nothing is held."""

    def _has_room(self, more: int) -> bool:
        """Whether a line may be written; what stands in the way of usage records is removed."""
        free, reserve = _free(self._folder)
        if free >= reserve + more:
            return True
        for path in self._oldest_first():
            if path == self._path and free >= reserve // 2:
                break
            with suppress(FileNotFoundError):
                path.unlink()
            free, reserve = _free(self._folder)
            if free >= reserve + more:
                return True
        return False

    def _oldest_first(self) -> Iterator[Path]:
        return (rotated(self._folder, number) for number in range(KEPT, -1, -1))

    def _turn(self, more: int) -> None:
        """Begin a new file where the line would not fit into this one."""
        try:
            size = self._path.stat().st_size
        except FileNotFoundError:
            return
        if self._file_bytes is None or size == 0 or size + more <= self._file_bytes:
            return
        for number in range(KEPT - 1, -1, -1):
            with suppress(FileNotFoundError):
                rotated(self._folder, number).replace(rotated(self._folder, number + 1))


def _free(folder: Path) -> tuple[int, int]:
    """The bytes that are free on a folder's disk, and those of them that are for usage records."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize, min(RESERVE_BYTES, disk.f_blocks * disk.f_frsize // 4)
