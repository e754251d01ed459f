"""Backup and restore of a ledger in a file: SQLite's own copy of it, audited before anybody relies on it.

A copy is made with SQLite's backup, never by copying the file, whose journal would be left behind (facts/anchors §6).
"""

import contextlib
import filecmp
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, count, takewhile
from pathlib import Path

from sqlalchemy import URL, create_engine

from licensing.core.errors import AzlicError, BadCall
from licensing.core.files import sync_folder
from licensing.db.database import BUSY_SECONDS, DatabaseBusy, open_ledger
from licensing.db.lock import holding
from licensing.db.revision import OlderSchema
from licensing.db.sqlite_journal import refuse_special_files, take_back
from licensing.db.store_kind import STATED_KIND, StoreKind, check_kind
from usage.auditing.faults import AuditCheck
from usage.auditing.run import Audit, Progress, audit, open_readonly

PAGES_A_STEP = 4096
_RESTARTS = 3
_WAITS = 3
_JOURNALS = ("-journal", "-wal", "-shm")


@dataclass(frozen=True, slots=True)
class Backup:
    """A copy of a ledger, and the audit of the copy. ``damage`` is what the database's own check said against it.

    Where it is not ``good``, nothing was put in place.
    """

    audit: Audit
    damage: str | None

    @property
    def good(self) -> bool:
        """Whether the copy is complete and sound."""
        return self.damage is None and self.audit.sound


@dataclass(frozen=True, slots=True)
class Loss:
    """What a restore would take away: batches ``first`` to ``last`` of the ledger that is there now.

    ``unreadable`` says why it is unknown, where the present ledger is damaged.
    """

    first: int = 0
    last: int = 0
    unreadable: str | None = None

    def __bool__(self) -> bool:
        return self.unreadable is not None or self.last >= self.first > 0


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put in place, and where the ledger is kept that was there before; None where there was none.

    ``loss`` is what it took away; where that is not nothing, and was not agreed to, nothing was ``done``.
    """

    backup: Backup
    loss: Loss
    kept: Path | None
    done: bool


def backup(
    target: str,
    file: Path,
    *,
    replace: bool = False,
    progress: Progress | None = None,
    pages_a_step: int = PAGES_A_STEP,
) -> Backup:
    """Copy the ledger at a path into a new file, 0640, while others go on writing; then check and audit the copy.

    A ledger of an older schema is copied as it is, so that the version that wrote it can restore it.
    ``progress`` receives the pages done and the pages to do. Raises ``BadCall`` for a ledger at a URL, and for a
    ``file`` that is there already, unless ``replace``; ``AzlicError`` where the copy cannot be made.
    """
    ledger = _ledger_path(target, "pg_dump NAME > FILE")
    if file.absolute() == ledger.absolute() or (file.exists() and ledger.exists() and file.samefile(ledger)):
        raise BadCall(f"{file} is the ledger itself", hint="name another file, best on another disk")
    if file.exists() and not replace:
        raise BadCall(f"{file} exists already", hint="name a new file; or replace it with --yes")
    take_back(ledger)
    with contextlib.suppress(OlderSchema):
        open_readonly(str(ledger)).dispose()
    with _temporary_copy(ledger, beside=file, progress=progress, pages_a_step=pages_a_step) as copy:
        made = _examine(copy)
        if made.good:
            _put(copy, file)
    return made


def restore(
    target: str, file: Path, *, now: datetime, agreed: bool = False, wait_seconds: float = BUSY_SECONDS
) -> Restored:
    """Put a backup in the place of the ledger at a path, once it is found complete and sound.

    1. The backup is copied, brought up to this version's schema, checked and audited; it is itself only read.
    2. The ledger is held, within ``wait_seconds``. Where it has batches that the backup has not, this goes on only if
       that is ``agreed``.
    3. What is there now is kept as ``LEDGER.replaced-INSTANT`` beside it, under a name that nothing has. A run that
       broke off may have kept the same already: that is taken for it.
    4. The backup is written into the ledger's file in one transaction: who has it open sees the one or the other.

    Raises ``BadCall`` for a ledger at a URL, ``AzlicError`` where something cannot be read or written.
    """
    ledger = _ledger_path(target, "pg_restore or psql")
    if not file.is_file():
        raise AzlicError(f"there is no backup at {file}", hint="name a file that azlic backup made")
    if ledger.exists() and file.samefile(ledger):
        raise BadCall(f"{file} is the ledger itself", hint="name the backup")
    for store in (file, ledger):
        _refuse_an_issuers(store)
    with _temporary_copy(file, beside=ledger) as copy:
        open_ledger(str(copy), upgrade=True).dispose()
        made = _examine(copy)  # 1
        if not made.good:
            return Restored(made, Loss(), None, done=False)
        with _hold(ledger, wait_seconds):  # 2
            loss = _loss(ledger, copy)
            if loss and not agreed:
                return Restored(made, loss, None, done=False)
            kept = _keep(ledger, now, damaged=loss.unreadable is not None)  # 3
            if ledger.exists():
                _overwrite(ledger, copy)  # 4
            else:
                _put(copy, ledger)
    return Restored(made, loss, kept, done=True)


def _refuse_an_issuers(path: Path) -> None:
    """Raise ``AzlicError`` for an issuer's store; what is not there, damaged or older says nothing here."""
    with contextlib.suppress(sqlite3.Error), _connection(path, "ro") as connection:
        check_kind((kind for (kind,) in connection.execute(STATED_KIND)), StoreKind.SITE, str(path))


def _ledger_path(target: str, instead: str) -> Path:
    if "://" in target:
        raise BadCall(
            "this is for a ledger in a file; PostgreSQL has its own tools",
            hint=f"{instead}, then azlic audit --database URL on the copy",
        )
    return Path(target).absolute()


@contextlib.contextmanager
def _temporary_copy(
    source: Path, *, beside: Path, progress: Progress | None = None, pages_a_step: int = PAGES_A_STEP
) -> Iterator[Path]:
    """A copy of a database in the folder where it will be needed; it is gone afterwards, unless it was renamed."""
    copy = beside.absolute().with_name(f".{beside.name}.{os.urandom(4).hex()}.tmp")
    try:
        os.close(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640))
        with _connection(source, "ro") as reader, _connection(copy, "rw") as writer:
            _copy_pages(reader, writer, progress, pages_a_step)
            writer.execute("PRAGMA journal_mode=DELETE")  # one file, whatever journal the ledger has
        yield copy
    except OSError as error:
        raise AzlicError(
            f"{beside} cannot be written: {error.strerror or error}",
            hint="check that its folder exists, is writable and has space",
        ) from error
    except sqlite3.Error as error:
        raise _failure(source, error) from error
    finally:
        for leftover in ("", *_JOURNALS):
            with contextlib.suppress(OSError):
                Path(f"{copy}{leftover}").unlink(missing_ok=True)


@contextlib.contextmanager
def _connection(path: Path, mode: str) -> Iterator[sqlite3.Connection]:
    refuse_special_files(path)
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=BUSY_SECONDS, isolation_level=None
    )
    try:
        connection.execute("PRAGMA synchronous=FULL")
        yield connection
    finally:
        connection.close()


class _Overtaken(Exception):
    """Others wrote while a copy was made, again and again: each time it starts over."""


def _copy_pages(
    reader: sqlite3.Connection, writer: sqlite3.Connection, progress: Progress | None, pages_a_step: int
) -> None:
    """Copy step by step, so that others can write in between; if they never rest, in one step, for which they wait."""
    try:
        reader.backup(writer, pages=pages_a_step, progress=_watcher(progress), sleep=0.01)
    except _Overtaken:
        reader.backup(writer, pages=-1, progress=_watcher(None))


def _watcher(progress: Progress | None) -> Callable[[int, int, int], None]:
    """Counts how often a copy started over (more pages are left than before), and ends one that waits for a lock."""
    before, restarts, waits = 1 << 62, 0, 0

    def watch(status: int, remaining: int, total: int) -> None:
        nonlocal before, restarts, waits
        if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            waits += 1  # each of BUSY_SECONDS; Python would try for ever
            if waits >= _WAITS:
                raise sqlite3.OperationalError("database is locked")
            return
        restarts += remaining > before
        before = remaining
        if restarts > _RESTARTS:
            raise _Overtaken
        if progress is not None:
            progress(total - remaining, total)

    return watch


def _examine(copy: Path) -> Backup:
    try:
        engine = open_readonly(str(copy))
    except OlderSchema:
        with _temporary_copy(copy, beside=copy) as current:
            open_ledger(str(current), upgrade=True).dispose()
            return _examine(current)
    try:
        found = audit(engine)
        return Backup(found, next((fault.what for fault in found.faults if fault.check is AuditCheck.PAGES), None))
    finally:
        engine.dispose()


def _put(copy: Path, file: Path) -> None:
    """Give a copy its name, so that a power cut leaves the old file or the whole new one."""
    descriptor = os.open(copy, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fchmod(descriptor, 0o640)
        if os.geteuid() == 0:
            owner = file.absolute().parent.stat()
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    copy.replace(file)
    sync_folder(file.absolute().parent)


@contextlib.contextmanager
def _hold(ledger: Path, wait_seconds: float) -> Iterator[None]:
    """Hold the ledger against everybody who writes series of transactions, whatever state it is in."""
    with holding(create_engine(URL.create("sqlite", database=str(ledger))), wait_seconds=wait_seconds):
        yield


def _loss(ledger: Path, copy: Path) -> Loss:
    if not ledger.exists():
        return Loss()
    try:
        with _connection(ledger, "ro") as present, _connection(copy, "ro") as kept:
            common = _common(present, kept)
            last = present.execute("SELECT coalesce(max(sequence), 0) FROM batch").fetchone()[0]
    except sqlite3.Error as error:
        if _is_busy(error):
            raise
        return Loss(unreadable=str(error))
    return Loss(common + 1, last)


def _common(present: sqlite3.Connection, kept: sqlite3.Connection) -> int:
    """The number of batches that two ledgers have in common from the first on."""
    query = "SELECT sequence, head FROM batch ORDER BY sequence"
    same = takewhile(lambda pair: pair[0] == pair[1], zip(present.execute(query), kept.execute(query), strict=False))
    return sum(1 for _ in same)


def _keep(ledger: Path, now: datetime, *, damaged: bool) -> Path | None:
    """Keep what is there now beside the ledger: a copy of it, or, where it is damaged or gone, the very files."""
    before = [path for path in ledger.parent.iterdir() if path.name.startswith(f"{ledger.name}.replaced-")]
    kept = _free_name(ledger.with_name(f"{ledger.name}.replaced-{now:%Y%m%dT%H%M%SZ}"), before)
    if damaged or not ledger.exists():
        return _put_aside(ledger, kept, before)
    with _temporary_copy(ledger, beside=kept) as copy:
        for path in before:  # of a run that broke off before it overwrote the ledger
            if path.is_file() and filecmp.cmp(path, copy, shallow=False):
                return path
        _put(copy, kept)
    return kept


def _free_name(wanted: Path, before: Iterable[Path]) -> Path:
    """This name, or the first of it with a number, that no file kept before has, nor a journal of one."""
    names = chain([wanted], (wanted.with_name(f"{wanted.name}-{number}") for number in count(2)))
    taken = {path.name for path in before}
    return next(path for path in names if not taken & {f"{path.name}{part}" for part in ("", *_JOURNALS)})


def _put_aside(ledger: Path, kept: Path, before: Sequence[Path]) -> Path | None:
    """Give the ledger's files another name, its journals first: with the ledger's own they are whole under it.

    A run that broke off in between is gone on with, under the name that it chose.
    """
    journals = {part: path for part in _JOURNALS if (path := Path(f"{ledger}{part}")).exists()}
    there = ledger.exists()
    for part, path in journals.items():
        for other in before:
            begun = Path(str(other).removesuffix(part))
            if path.samefile(other) and not (there and begun.exists()):
                kept = begun
    for part, path in journals.items():
        with contextlib.suppress(FileExistsError):
            os.link(path, f"{kept}{part}")
    if there:
        ledger.rename(kept)
    sync_folder(ledger.parent)
    for path in journals.values():
        path.unlink()
    sync_folder(ledger.parent)
    return kept if there else None


def _overwrite(ledger: Path, copy: Path) -> None:
    with _connection(copy, "ro") as reader, _connection(ledger, "rw") as writer:
        reader.backup(writer, pages=-1, progress=_watcher(None))


def _is_busy(error: sqlite3.Error) -> bool:
    return "locked" in str(error) or "busy" in str(error)


def _failure(path: Path, error: sqlite3.Error) -> AzlicError:
    if _is_busy(error):
        return DatabaseBusy(f"the database {path} is in use by another process", hint="try again when it has finished")
    return AzlicError(
        f"{path} cannot be copied: {error}",
        hint="check that it is an azlic database, and the free space where the copy goes",
    )
