"""Ingest: everything new in output folders goes into the ledger, exactly once."""

import contextlib
from collections.abc import Callable, Generator, Iterable, Iterator
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from licensing.core.errors import AzlicError
from licensing.db.database import writing
from licensing.db.lock import holding
from licensing.history.remember import advance
from licensing.verdict.seen import WitnessKind
from usage.intake.matching import Matching, Memory, Work
from usage.intake.quarantine import take_due
from usage.ledger.writer import Ledger, Receipt
from usage.records.usage_files import SIZES, Block, OpenFile, ReadSizes, UnreadableFile, find_files

_ATTEMPTS = 3

Progress = Callable[[int, int], None]


def ingest(
    engine: Engine,
    paths: Iterable[Path],
    *,
    now: datetime,
    site: str = "",
    progress: Progress | None = None,
    memory: Memory | None = None,
    sizes: ReadSizes = SIZES,
) -> Receipt:
    """Take every whole line that is new in the usage files below ``paths``; twice is once.

    ``progress`` receives the bytes done and the bytes to do. ``memory`` spares a process that ingests again and again
    the second look at what it has read itself; ``sizes`` says how much is taken at a time. Raises ``AzlicError`` when a
    folder or the ledger cannot be used, and, once everything else is taken, when a file cannot be read; what was
    committed stays, and the next ingest goes on there.
    """
    receipt = Receipt()
    folders = [path.resolve() for path in paths]
    with holding(engine):
        for _ in range(_ATTEMPTS):
            walk = _Walk(engine, folders, receipt, now=now, site=site, progress=progress, memory=memory, sizes=sizes)
            walk.run()
            if not receipt.unsteady:
                break
    if walk.unreadable:
        raise _unreadable(walk.unreadable)
    return receipt


def _unreadable(errors: list[UnreadableFile]) -> AzlicError:
    more = f" (and {len(errors) - 1} more files)" if len(errors) > 1 else ""
    return AzlicError(f"{errors[0].message}{more}", hint=f"{errors[0].hint}; all other files were taken")


class _Walk:
    """One walk through the folders. It is repeated when a file was swapped for another between look and read."""

    def __init__(
        self,
        engine: Engine,
        folders: list[Path],
        receipt: Receipt,
        *,
        now: datetime,
        site: str,
        progress: Progress | None,
        memory: Memory | None,
        sizes: ReadSizes,
    ) -> None:
        self._engine = engine
        self._folders = folders
        self._receipt = receipt
        self._now = now
        self._site = site
        self._progress = progress
        self._memory = {} if memory is None else memory
        self._sizes = sizes
        self.unreadable: list[UnreadableFile] = []

    def run(self) -> None:
        """Match the files with what is known of them, and take what is new."""
        self._receipt.unsteady = 0
        with writing(self._engine) as connection:
            take_due(connection, now=self._now, receipt=self._receipt, site=self._site)
            ledger = Ledger(connection, now=self._now, receipt=self._receipt, site=self._site)
            matching = Matching(connection, ledger, now=self._now, memory=self._memory)
            work = matching.match(find_files(self._folders), self._folders)
            advance(connection, WitnessKind.EVALUATION, self._now, "ingest")
        self._receipt.files = len(work)
        try:
            changed = [item for item in work if not item.unchanged]
            with contextlib.closing(self._steps(changed)) as steps:
                self._read(changed, steps, ledger)
        finally:
            ledger.close()
        self._receipt.pending_bytes = sum(item.pending for item in work)

    def _read(self, work: list[Work], steps: Iterator[tuple[Work, Block | None]], ledger: Ledger) -> None:
        total, done = sum(max(0, item.file.size - item.start) for item in work), 0
        finished = not work
        while not finished:
            taken = 0
            with writing(self._engine) as connection:
                for item, block in steps:
                    if block is None:
                        item.keep_look(connection)
                        continue
                    ledger.book(connection, item.cursor, block)
                    item.keep_block(connection, block)
                    taken += len(block.data)
                    if taken >= self._sizes.commit:
                        break
                else:
                    finished = True
            done += taken
            if self._progress is not None:
                self._progress(done, max(done, total))
        for item in work:
            if item.error is None:
                self._memory[item.cursor.source] = (item.start, item.file.identity, item.cursor.digest)

    def _steps(self, work: list[Work]) -> Generator[tuple[Work, Block | None], None, None]:
        """The blocks of each file in turn, and None behind its last one."""
        for item in work:
            if item.error is not None:
                self.unreadable.append(item.error)
                continue
            try:
                with OpenFile(item.file.path) as file:
                    if not item.stands_in(file):
                        self._receipt.unsteady += 1
                        continue
                    for block in file.blocks(item.start, self._sizes):
                        yield item, block
                    item.file = file.look()
                    item.pending = len(file.read(item.start, self._sizes.line)) if file.compressed else 0
                    yield item, None
            except FileNotFoundError:
                self._receipt.unsteady += 1
            except UnreadableFile as error:
                self.unreadable.append(error)
