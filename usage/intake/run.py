"""Ingest: everything new in output folders goes into the ledger, exactly once."""

import contextlib
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from licensing.core.errors import AzlicError
from licensing.db.database import writing
from licensing.db.lock import holding
from licensing.history.remember import advance
from licensing.verdict.seen import WitnessKind
from usage.intake.matching import Matching, Memory, Work, keep
from usage.intake.passed_over import PassedOverFindings
from usage.intake.quarantine import take_due
from usage.ledger.receipt import Receipt
from usage.ledger.writer import Ledger
from usage.records.output_scan import OutputScan, PassedOver, scan_folders
from usage.records.usage_files import SIZES, Block, DamagedFile, OpenFile, ReadSizes, Stretch, UnreadableFile

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
    folder or the ledger cannot be used, and ``NotAllRead``, once everything else is taken, when a file or a folder in
    it cannot be read; what was committed stays, and the next ingest goes on there.
    """
    receipt = Receipt()
    folders = [path.resolve() for path in paths]
    with holding(engine):
        for _ in range(_ATTEMPTS):
            walk = _Walk(engine, folders, receipt, now=now, site=site, progress=progress, memory=memory, sizes=sizes)
            walk.run()
            if not receipt.unsteady:
                break
    if errors := [item.error for item in receipt.passed_over if item.error is not None]:
        raise NotAllRead(errors, receipt)
    return receipt


class NotAllRead(AzlicError):
    """Files or folders that could not be read; all others were taken, as the receipt says."""

    def __init__(self, errors: Sequence[AzlicError], receipt: Receipt) -> None:
        self.receipt = receipt
        more = f" (and {len(errors) - 1} more files)" if len(errors) > 1 else ""
        super().__init__(f"{errors[0].message}{more}", hint=f"{errors[0].hint}; all other files were taken")


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
        self._memory = Memory() if memory is None else memory
        self._sizes = sizes
        self._unread: dict[int, PassedOver] = {}

    def run(self) -> None:
        """Match the files with what is known of them, and take what is new."""
        self._receipt.unsteady = 0
        with writing(self._engine) as connection:
            take_due(connection, now=self._now, receipt=self._receipt, site=self._site)
            ledger = Ledger(connection, now=self._now, receipt=self._receipt, site=self._site)
            matching = Matching(connection, ledger, now=self._now, memory=self._memory)
            scan = scan_folders(self._folders)
            work = matching.match(scan, self._folders)
            known = PassedOverFindings.read(connection)
            advance(connection, WitnessKind.EVALUATION, self._now, "ingest")
        self._receipt.files = len(work)
        try:
            changed = [item for item in work if not item.unchanged]
            with contextlib.closing(self._steps(changed)) as steps:
                self._read(changed, steps, ledger)
            self._pass_over(scan, {item.cursor.source for item in work}, known, ledger)
        finally:
            ledger.close()
        self._receipt.pending_bytes = sum(item.pending for item in work)

    def _pass_over(self, scan: OutputScan, sources: set[int], known: PassedOverFindings, ledger: Ledger) -> None:
        """Record what was not taken, and what is taken by now."""
        scan.passed_over += self._unread.values()
        self._receipt.passed_over = sorted(known.waiting(scan.passed_over), key=lambda item: item.path)
        if not (self._receipt.passed_over or known.open):
            return
        with writing(self._engine) as connection:
            known.note(connection, ledger, scan.passed_over, {item.text: key for key, item in self._unread.items()})
            known.settle(connection, scan, self._folders, sources - self._unread.keys(), now=self._now)

    def _read(self, work: list[Work], steps: Iterator[tuple[Work, Block | Stretch | None]], ledger: Ledger) -> None:
        total, done = sum(max(0, item.file.size - item.start) for item in work), 0
        finished = not work
        while not finished:
            taken = 0
            moved: dict[int, Work] = {}
            looked: list[Work] = []
            with writing(self._engine) as connection:
                for item, block in steps:
                    if block is None:
                        looked.append(item)
                        continue
                    ledger.book(connection, item.cursor, block)
                    item.pass_block(block)
                    moved[item.cursor.source] = item
                    taken += block.stop - block.start
                    if taken >= self._sizes.commit:
                        break
                else:
                    finished = True
                ledger.flush(connection)
                keep(connection, moved.values(), looked)
            done += taken
            if self._progress is not None:
                self._progress(done, max(done, total))
        for item in work:
            if item.error is None:
                self._memory.read[item.cursor.source] = (item.start, item.file.identity, item.cursor.digest)

    def _steps(self, work: list[Work]) -> Generator[tuple[Work, Block | Stretch | None], None, None]:
        """The blocks of each file in turn, and None behind its last one."""
        for item in work:
            if item.error is not None:
                self._unread[item.cursor.source] = PassedOver.unread(item.error, item.file.path)
                continue
            found = item.file
            try:
                with OpenFile(item.file.path) as file:
                    if not item.stands_in(file):
                        self._receipt.unsteady += 1
                        continue
                    for block in file.blocks(item.start, self._sizes):
                        yield item, block
                    item.file = file.look()
                    left = (
                        len(file.read(item.start, self._sizes.block))
                        if file.compressed
                        else item.file.size - item.start
                    )
                    item.pending = max(0, left)
                    yield item, None
            except FileNotFoundError:
                self._receipt.unsteady += 1
            except UnreadableFile as error:
                if isinstance(error, DamagedFile):
                    self._memory.refused[item.cursor.source] = found, error
                self._unread[item.cursor.source] = PassedOver.unread(error, item.file.path)
