"""Watching output folders: what is written is in the ledger a moment later."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from queue import Empty, SimpleQueue
from time import monotonic, sleep

from sqlalchemy import Engine
from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.polling import PollingObserver

from licensing.core.errors import AzlicError
from usage.intake.matching import Memory
from usage.intake.run import ingest
from usage.ledger.receipt import Receipt
from usage.records.usage_files import SIZES, ReadSizes
from usage.records.usage_names import has_other_name

SETTLE_SECONDS = 0.05
"""So long a burst of writes is gathered before it is taken."""


RESCAN_SECONDS = 60.0
"""How often everything is rescanned, in case an event was missed."""


def watch(
    engine: Engine,
    folders: Sequence[Path],
    *,
    clock: Callable[[], datetime],
    took: Callable[[Receipt], None],
    site: str = "",
    polling: bool = False,
) -> None:
    """Take what containers write into output folders as they write it, until the program is stopped.

    ``clock`` says what time it is, ``took`` receives the receipt of every ingest; what it raises ends the loop, and
    nothing is left half done. ``polling`` is for network mounts. Raises ``AzlicError`` when a folder or the ledger
    fails.
    """
    loop = Watch(engine, folders, clock=clock, site=site, polling=polling)
    loop.run(rescan_seconds=RESCAN_SECONDS, alive_seconds=RESCAN_SECONDS, took=took, alive=lambda: None)


class Watch(FileSystemEventHandler):
    """One thin loop around ``ingest``: on file events the folder they name, and every so often everything.

    ``polling`` looks at the folders once a second instead of waiting for events, which network mounts do not send. Each
    step is one whole ingest: whatever ends the loop leaves nothing half done.
    """

    def __init__(
        self,
        engine: Engine,
        folders: Sequence[Path],
        *,
        clock: Callable[[], datetime],
        site: str = "",
        polling: bool = False,
        sizes: ReadSizes = SIZES,
    ) -> None:
        self._engine = engine
        self._folders = [folder.resolve() for folder in folders]
        self._clock = clock
        self._site = site
        self._sizes = sizes
        self._observer = PollingObserver(timeout=1.0) if polling else Observer()
        self._memory = Memory()
        self._news: SimpleQueue[Path | None] = SimpleQueue()
        self._stopped = False

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Note which file an event is about; called on the observer's thread."""
        for name in (event.src_path, event.dest_path):
            path = Path(name.decode() if isinstance(name, bytes) else name)
            if event.event_type not in ("opened", "closed_no_write") and not (
                event.is_directory or has_other_name(path)
            ):
                self._news.put(path)

    def stop(self) -> None:
        """End the loop once the ingest in hand is done; called from another thread."""
        self._stopped = True
        self._news.put(None)

    def run(
        self,
        *,
        rescan_seconds: float,
        alive_seconds: float,
        took: Callable[[Receipt], None],
        alive: Callable[[], None],
        failed: Callable[[AzlicError], None] | None = None,
    ) -> None:
        """Watch until ``stop``. ``took`` receives every receipt, ``alive`` is called at least every ``alive_seconds``.

        Raises ``AzlicError`` when the folders cannot be watched, and when one of them, a file or the ledger cannot be
        used; where there is ``failed``, that receives it instead, and the next scan of everything tries again.
        """
        self._observe()
        try:
            next_scan, changed = 0.0, set[Path]()
            while not self._stopped:
                alive()
                scan = monotonic() >= next_scan
                try:
                    if scan:
                        took(self._ingest(self._folders, Memory(), alive))
                    elif folders := _folders_of(changed):
                        took(self._ingest(folders, self._memory, alive))
                except AzlicError as error:
                    if failed is None:
                        raise
                    failed(error)
                if scan:
                    next_scan = monotonic() + rescan_seconds
                changed = self._wait(max(0.0, min(alive_seconds, next_scan - monotonic())))
        finally:
            self._observer.stop()
            self._observer.join()

    def _observe(self) -> None:
        try:
            for folder in self._folders:
                self._observer.schedule(self, str(folder), recursive=True)
            self._observer.start()
        except OSError as error:
            raise AzlicError(
                f"the output folder cannot be watched: {error.strerror or error}",
                hint="name folders that exist and may be read; where the system has no more watches, use --polling",
            ) from error

    def _wait(self, seconds: float) -> set[Path]:
        """What changed, as soon as something does; nothing when the time is over first."""
        changed: set[Path] = set()
        try:
            news = self._news.get(timeout=seconds)
            if not self._stopped:
                sleep(SETTLE_SECONDS)
            while True:
                changed |= {news} if news is not None else set()
                news = self._news.get_nowait()
        except Empty:
            return changed

    def _ingest(self, paths: Sequence[Path], memory: Memory, alive: Callable[[], None]) -> Receipt:
        def progress(_done: int, _total: int) -> None:
            alive()

        try:
            return ingest(
                self._engine,
                paths,
                now=self._clock(),
                site=self._site,
                progress=progress,
                memory=memory,
                sizes=self._sizes,
            )
        finally:
            self._memory.update(memory)


def _folders_of(changed: set[Path]) -> list[Path]:
    """Where something changed. A folder is taken whole: of a rotated file the older part comes first."""
    folders = {path.parent for path in changed}
    return [folder for folder in sorted(folders) if folder.is_dir() and folder.resolve() == folder]
