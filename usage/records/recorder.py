"""The recorder: what a container writes into its output mount, one whole line for every delivered piece of work.

Layout: ``{Mounts:Output}/{service}/{container id}/usage-YYYY-MM-DD.jsonl`` (facts §2.4), append-only.
"""

import contextlib
import errno
import fcntl
import hashlib
import os
import stat
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import uuid_utils

from licensing.core.errors import AzlicError
from licensing.core.files import sync_folder
from licensing.core.instants import milliseconds
from usage.quantity import from_micro, to_micro
from usage.records.record import GENESIS, BadLine, MeteredQuantity, UsageRecord, encode, interpret

_TAIL_BYTES = 64 * 1024
_TRIAL = ".trial.log"
_TRIAL_BYTES = 4096  # the least that a disk hands out


class Recorder:
    """Appends the usage records of one container, numbered without a gap and each bound to the line before.

    A record is on the disk when ``append`` returns. After a restart it continues after the last whole record; a
    line that a power cut left unfinished is closed, kept, and passed over. One process at a time writes for a
    container. Raises ``AzlicError`` when the output folder cannot take records.
    """

    def __init__(
        self, output: Path, *, service: str, container_type: str, container_version: str, container_id: str
    ) -> None:
        self.folder = output / service / container_id
        self._labels = (container_type, container_version, container_id)
        self._kept: Callable[[UsageRecord], None] | None = None
        self._lock = threading.Lock()
        self._day = ""
        self._file = self._hold = -1
        try:
            if not output.is_dir():
                raise FileNotFoundError(2, "there is no such folder")
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o750)
            self._hold = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(self._hold, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._sequence, self._previous = self._resume()
        except BlockingIOError as error:
            self.close()
            raise AzlicError(
                f"another container already writes to {self.folder}",
                hint="give each running container an id of its own",
            ) from error
        except OSError as error:
            self.close()
            raise self._refusal(error) from error

    def append(self, meter: str, quantity: int | Decimal, *, at: datetime, api_type: str) -> UsageRecord:
        """Write one record of ``quantity`` units of ``meter``, delivered at ``at``; returns it as written.

        Raises ``InexactQuantity`` for what is negative, too large, or would have to be rounded to millionths.
        """
        exact = from_micro(to_micro(quantity))
        container_type, container_version, container_id = self._labels
        with self._lock:
            if self._hold < 0:
                raise self._refusal(OSError("the recorder is closed"))
            record = UsageRecord(
                id=str(uuid_utils.uuid7()),
                container_type=container_type,
                container_version=container_version,
                container_id=container_id,
                meter=MeteredQuantity(meter, exact),
                request_time=milliseconds(at),
                api_type=api_type,
                sequence=self._sequence + 1,
                previous=self._previous,
            )
            line = encode(record)
            try:
                self._write(line + b"\n", day=f"{at.astimezone(UTC):%Y-%m-%d}")
            except OSError as error:
                raise self._refusal(error) from error
            self._sequence += 1
            self._previous = hashlib.sha256(line).hexdigest()
            if self._kept is not None:
                self._kept(record)
        return record

    def tell(self, kept: Callable[[UsageRecord], None]) -> None:
        """Tell ``kept`` of each record from now on, once it is on the disk, and in their order."""
        self._kept = kept

    @property
    def sequence(self) -> int:
        """The number of the last record that is on the disk."""
        return self._sequence

    def fault(self, *, thoroughly: bool) -> AzlicError | None:
        """What would keep a record from being written now, or None.

        A glance finds a folder that is gone, that may not be written to, or without room. With doubts, or told to look
        ``thoroughly``, it tries: with a file that has no name, as large as the usage file would be.
        """
        try:
            if not thoroughly and self._seems_writable():
                return None
            self._try_room(self._try_usage_file())
        except OSError as error:
            return self._refusal(error)
        return None

    def close(self) -> None:
        """Let go of the folder."""
        with self._lock:
            for descriptor in (self._file, self._hold):
                if descriptor >= 0:
                    os.close(descriptor)
            self._file = self._hold = -1

    def _seems_writable(self) -> bool:
        if os.statvfs(self.folder).f_bavail == 0 or not os.access(self.folder, os.W_OK | os.X_OK, effective_ids=True):
            return False
        try:
            return stat.S_ISREG(self._path(self._day).stat().st_mode)
        except FileNotFoundError:
            return True  # the next record makes one

    def _try_usage_file(self) -> int:
        """Open the usage file as a record would, and say how large it is; 0 where the next record makes a new one."""
        try:
            file = os.open(self._path(self._day), os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return 0
        try:
            return os.fstat(file).st_size
        finally:
            os.close(file)

    def _try_room(self, offset: int) -> None:
        path = self.folder / _TRIAL
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            path.unlink()
            if os.pwrite(file, bytes(_TRIAL_BYTES), offset) != _TRIAL_BYTES:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(file)
        finally:
            os.close(file)

    def _write(self, line: bytes, *, day: str) -> None:
        # work from before midnight, or from a clock that was set back, goes behind what is there already
        if self._file < 0 or day > self._day or self._was_moved():
            self._open(max(day, self._day))
        before = os.fstat(self._file).st_size
        try:
            written = os.write(self._file, line)
            if written != len(line):
                raise OSError(28, "the line did not fit")
            os.fsync(self._file)
        except OSError:
            # nobody has been told of this record: take back the part of it that got through
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, before)
            os.close(self._file)
            self._file = -1
            raise

    def _was_moved(self) -> bool:
        """Whether somebody renamed or removed the file that is open: what is written to it may go with it."""
        try:
            return not os.path.samestat(self._path(self._day).stat(), os.fstat(self._file))
        except FileNotFoundError:
            return True

    def _path(self, day: str) -> Path:
        return self.folder / f"usage-{day}.jsonl"

    def _open(self, day: str) -> None:
        path = self._path(day)
        if path.exists():
            _close_torn_line(path)
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC, 0o640)
        sync_folder(self.folder)
        if self._file >= 0:
            os.close(self._file)
        self._file, self._day = file, day

    def _resume(self) -> tuple[int, str]:
        """Where the chain ends: the last whole record in the newest file that has one."""
        for path in sorted(self.folder.glob("usage-*.jsonl"), reverse=True):
            self._day = self._day or path.stem.removeprefix("usage-")
            _close_torn_line(path)
            for line in reversed(_tail(path).split(b"\n")):
                try:
                    record, *_ = interpret(line)
                except BadLine:
                    continue
                if record.sequence is not None:
                    return record.sequence, hashlib.sha256(line).hexdigest()
        return 0, GENESIS

    def _refusal(self, error: OSError) -> AzlicError:
        return AzlicError(
            f"usage records cannot be written to {self.folder}: {error.strerror or error}",
            hint="mount the output folder where Mounts:Output says, writable for the container's user"
            " (chown -R 65532:65532 on the host), with free space",
        )


def _tail(path: Path) -> bytes:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _TAIL_BYTES))
        return file.read()


def _close_torn_line(path: Path) -> None:
    """End the last line of a file that was cut off within it, so that the next record begins on its own."""
    with path.open("r+b") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return
        file.seek(-1, os.SEEK_END)
        if file.read(1) != b"\n":
            file.write(b"\n")
            file.flush()
            os.fsync(file.fileno())
