"""The backlog: what is in output folders and not yet in the ledger: a look at the disk that changes nothing."""

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, text

from licensing.core.text import printable
from licensing.db.schema import rows_of
from usage.ledger.source_kinds import ON_DISK
from usage.ledger.tables.records import SourceRow
from usage.records.usage_files import FoundFile, beside, find_files


@dataclass(frozen=True, slots=True)
class BacklogFile:
    """A usage file with bytes that no ingest took: whole lines, or the beginning of one."""

    path: str
    size: int


@dataclass(frozen=True, slots=True)
class Backlog:
    """What a look found, and the folders of known sources that could not be looked at."""

    untaken: tuple[BacklogFile, ...]
    unseen: tuple[str, ...]


def read_backlog(connection: Connection, folders: Sequence[Path] = ()) -> Backlog:
    """Look below output folders; where none is named, beside every file that was read before.

    A source that cannot be seen counts with the bytes that were pending when it was last looked at. Raises
    ``AzlicError`` for a named folder that is not there or may not be read.
    """
    known = list(rows_of(connection, SourceRow, text(ON_DISK), SourceRow.vanished_at.is_(None)))
    by_identity = {(row.device, row.inode): row for row in known}
    there = {Path(row.path).parent for row in known}
    unseen = {folder for folder in there if not _is_there(folder)}
    files = {file.path: file for file in (find_files(folders) if folders else _all_beside(there))}
    found = {file.text: _untaken(file, by_identity.get(file.identity)) for file in files.values()}
    hidden = {row.path: row.pending for row in known if Path(row.path).parent in unseen}
    return Backlog(
        untaken=tuple(BacklogFile(path, size) for path, size in sorted((found | hidden).items()) if size),
        unseen=tuple(sorted(map(printable, unseen))),
    )


def _is_there(folder: Path) -> bool:
    with contextlib.suppress(OSError):
        next(folder.iterdir(), None)
        return True
    return False


def _all_beside(folders: Iterable[Path]) -> list[FoundFile]:
    return [file for folder in folders for file in beside(folder / "any")]


def _untaken(file: FoundFile, row: SourceRow | None) -> int:
    """How many of a file's bytes no ingest took; all of them where it is not the file that was read."""
    if row is None:
        return file.size
    if file.path.suffix == ".gz":
        return row.pending if row.changed_ns == file.changed_ns else file.size
    return file.size - row.offset if file.size >= row.offset else file.size
