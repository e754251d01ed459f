"""Ingest: everything new in output folders goes into the ledger, exactly once.

A file is the one that was read before when its device and inode are known, it is not shorter than the offset and the
bytes before the offset are the same. On any doubt it is read again from 0: ids are unique for ever.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, Row, insert, select, update

from licensing.database import writing
from licensing.hold import holding
from usage.ledger import Ledger, Reading, Receipt
from usage.sources import Block, FoundFile, OpenFile, find_files
from usage.tables import Source

COMMIT_BYTES = 32 * 1024 * 1024
"""So much is read before it is committed; a killed ingest reads at most this again."""

MARKER_BYTES = 256
_ATTEMPTS = 3

Progress = Callable[[int, int], None]


def ingest(engine: Engine, paths: Iterable[Path], *, now: datetime, progress: Progress | None = None) -> Receipt:
    """Take every whole line that is new in the usage files below ``paths``; twice is once.

    ``progress`` hears the bytes done and the bytes to do. Raises ``AzlicError`` when a folder or the ledger cannot be
    used; what was committed until then stays, and the next ingest goes on from there.
    """
    receipt = Receipt()
    folders = [path.resolve() for path in paths]
    with holding(engine):
        for _ in range(_ATTEMPTS):
            if _Pass(engine, folders, now, receipt, progress or _silent).run():
                break
    return receipt


def _silent(done: int, total: int) -> None:
    """Report to nobody."""


@dataclass(slots=True)
class _Work:
    """A file to be read, from where, and the last bytes before that place."""

    file: FoundFile
    reading: Reading
    start: int
    tail: bytes = b""


class _Pass:
    """One walk through the folders. It is repeated when a file was swapped for another between look and read."""

    def __init__(
        self, engine: Engine, folders: list[Path], now: datetime, receipt: Receipt, progress: Progress
    ) -> None:
        self._engine = engine
        self._folders = folders
        self._now = now
        self._receipt = receipt
        self._progress = progress
        self._steady = True

    def run(self) -> bool:
        """Whether every file was still the one that was looked at."""
        with writing(self._engine) as connection:
            ledger = Ledger(connection, now=self._now, receipt=self._receipt)
            work = _Matching(connection, ledger, self._now).match(find_files(self._folders), self._folders)
        self._receipt.files = len(work)
        self._receipt.pending_bytes = 0
        total, done = sum(item.file.size - item.start for item in work), 0
        steps = self._steps(work)
        finished = False
        while not finished:
            taken = 0
            with writing(self._engine) as connection:
                for item, block in steps:
                    ledger.book(connection, item.reading, block)
                    self._save_offset(connection, item, block)
                    taken += len(block.data)
                    if taken >= COMMIT_BYTES:
                        break
                else:
                    finished = True
            done += taken
            self._progress(done, total)
        self._save_sizes(work)
        return self._steady

    def _steps(self, work: list[_Work]) -> Iterator[tuple[_Work, Block]]:
        for item in work:
            try:
                with OpenFile(item.file.path) as file:
                    if file.look().identity != item.file.identity:
                        self._steady = False
                        continue
                    item.tail = file.bytes_before(item.start, MARKER_BYTES)
                    for block in file.blocks(item.start):
                        yield item, block
                    item.file = file.look()
            except FileNotFoundError:
                self._steady = False

    def _save_offset(self, connection: Connection, item: _Work, block: Block) -> None:
        item.start = block.stop
        item.tail = (item.tail + block.data[-MARKER_BYTES:])[-MARKER_BYTES:]
        connection.execute(
            update(Source)
            .where(Source.key == item.reading.key)
            .values(
                offset=item.start,
                line=item.reading.line,
                size=max(item.file.size, item.start),
                marker=hashlib.sha256(item.tail).digest(),
            )
        )

    def _save_sizes(self, work: list[_Work]) -> None:
        """Keep what is pending behind the last newline of each file, so that a report can show it."""
        with writing(self._engine) as connection:
            for item in work:
                self._receipt.pending_bytes += max(0, item.file.size - item.start)
                connection.execute(
                    update(Source)
                    .where(Source.key == item.reading.key, Source.size != item.file.size)
                    .values(size=item.file.size)
                )


class _Matching:
    """Finds for each file on the disk the row of the file it is, and says what became of the others."""

    def __init__(self, connection: Connection, ledger: Ledger, now: datetime) -> None:
        self._connection = connection
        self._ledger = ledger
        self._now = now

    def match(self, files: list[FoundFile], folders: list[Path]) -> list[_Work]:
        rows = list(self._connection.execute(select(Source.__table__)))
        by_identity = {(row.device, row.inode): row for row in rows}
        by_path = {row.path: row for row in rows}
        work: dict[Path, _Work] = {}
        claimed: set[int] = set()
        for file in files:
            row = by_identity.get(file.identity)
            if row is not None and row.key not in claimed and _continues(file, row):
                claimed.add(row.key)
                work[file.path] = self._resume(file, row)
        for file in files:
            if file.path in work:
                continue
            row = by_path.get(str(file.path))
            if row is not None and row.key not in claimed:
                claimed.add(row.key)
                work[file.path] = self._restart(file, row)
            else:
                work[file.path] = self._begin(file)
        for row in rows:
            path = Path(row.path)
            if row.key not in claimed and row.vanished_at is None and any(map(path.is_relative_to, folders)):
                self._miss(row)
        return [work[file.path] for file in files]

    def _resume(self, file: FoundFile, row: Row[tuple[object, ...]]) -> _Work:
        if row.path != str(file.path) or row.vanished_at is not None:
            self._update(row.key, path=str(file.path), vanished_at=None)
        return _Work(file, Reading(row.key, _short(file.path), row.generation, row.line, again=False), row.offset)

    def _restart(self, file: FoundFile, row: Row[tuple[object, ...]]) -> _Work:
        """Read a file again from 0: it is another one, or no longer what it was."""
        reading = Reading(row.key, _short(file.path), row.generation + 1, 0, again=True)
        if not _continues(file, row):
            kind = "shrunk" if file.size < row.offset else "rewritten"
            detail = (
                f"{file.path} had been read up to byte {row.offset}; it now has {file.size} bytes"
                f" and other content before that place (reading {reading.generation})"
            )
            self._ledger.report_finding(self._connection, reading, kind=kind, line=0, container_id=None, detail=detail)
        self._update(
            row.key,
            device=file.device,
            inode=file.inode,
            generation=reading.generation,
            offset=0,
            line=0,
            size=file.size,
            marker=None,
            vanished_at=None,
        )
        return _Work(file, reading, 0)

    def _begin(self, file: FoundFile) -> _Work:
        values = {"path": str(file.path), "device": file.device, "inode": file.inode, "size": file.size}
        key = self._connection.execute(insert(Source).values(values).returning(Source.key)).scalar_one()
        return _Work(file, Reading(key, _short(file.path), 1, 0, again=False), 0)

    def _miss(self, row: Row[tuple[object, ...]]) -> None:
        reading = Reading(row.key, _short(Path(row.path)), row.generation, row.line, again=False)
        detail = f"{row.path} is gone; {row.offset} of its {row.size} bytes had been read (reading {row.generation})"
        self._ledger.report_finding(
            self._connection, reading, kind="vanished", line=0, container_id=None, detail=detail
        )
        self._update(row.key, vanished_at=self._now)

    def _update(self, key: int, **values: object) -> None:
        self._connection.execute(update(Source).where(Source.key == key).values(values))


def _continues(file: FoundFile, row: Row[tuple[object, ...]]) -> bool:
    """Whether a file holds, before the offset, the bytes that were read from it."""
    if file.size < row.offset:
        return False
    if row.offset == 0:
        return True
    try:
        with OpenFile(file.path) as opened:
            tail = opened.bytes_before(row.offset, MARKER_BYTES)
    except FileNotFoundError:
        return False
    return bool(hashlib.sha256(tail).digest() == row.marker)


def _short(path: Path) -> str:
    """The part of a path that stays the same wherever the output folder is mounted: service, container, file."""
    return "/".join(path.parts[-3:])
