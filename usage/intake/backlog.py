"""The backlog: what is in output folders and not yet in the ledger: a look at the disk that changes nothing."""

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, text

from licensing.core.text import printable
from licensing.db.schema import rows_of
from usage.intake.passed_over import PassedOverFindings
from usage.ledger.source_kinds import ON_DISK
from usage.ledger.tables.records import SourceRow
from usage.records.output_scan import OutputScan, PassedOver, scan_folder, scan_folders
from usage.records.usage_files import FoundFile, is_compressed


@dataclass(frozen=True, slots=True)
class BacklogFile:
    """A usage file with bytes that no ingest took: whole lines, or the beginning of one."""

    path: str
    size: int


@dataclass(frozen=True, slots=True)
class Backlog:
    """What a look found, and the folders of known sources that could not be looked at.

    ``passed_over`` may hold usage, was not taken, and is in no finding yet.
    """

    untaken: tuple[BacklogFile, ...]
    unseen: tuple[str, ...]
    passed_over: tuple[PassedOver, ...] = ()


def read_backlog(connection: Connection, folders: Sequence[Path] = ()) -> Backlog:
    """Look below output folders; where none is named, beside every file that was read before.

    A source that cannot be seen counts with the bytes that were pending when it was last looked at. Raises
    ``AzlicError`` for a named folder that is not there or may not be read.
    """
    known = list(rows_of(connection, SourceRow, text(ON_DISK), SourceRow.vanished_at.is_(None)))
    by_identity = {(row.device, row.inode): row for row in known}
    there = {Path(row.path).parent for row in known}
    unseen = {folder for folder in there if not _is_there(folder)}
    scan = scan_folders(folders) if folders else _all_beside(there)
    findings = PassedOverFindings.read(connection)
    found = {file.text: _untaken(file, by_identity.get(file.identity)) for file in scan.files}
    hidden = {row.path: row.pending for row in known if Path(row.path).parent in unseen}
    untaken = {path: size for path, size in (found | hidden).items() if size and not findings.tell_of(Path(path))}
    return Backlog(
        untaken=tuple(BacklogFile(path, size) for path, size in sorted(untaken.items())),
        unseen=tuple(sorted(map(printable, unseen))),
        passed_over=tuple(findings.untold(scan.passed_over)),
    )


def _is_there(folder: Path) -> bool:
    with contextlib.suppress(OSError):
        next(folder.iterdir(), None)
        return True
    return False


def _all_beside(folders: Iterable[Path]) -> OutputScan:
    found = OutputScan()
    for folder in sorted(folders):
        beside = scan_folder(folder)
        found.files += beside.files
        found.passed_over += beside.passed_over
    return found


def _untaken(file: FoundFile, row: SourceRow | None) -> int:
    """How many of a file's bytes no ingest took; all of them where it is not the file that was read."""
    if row is None:
        return file.size
    if row.changed_ns == file.changed_ns and is_compressed(file.path):
        return row.pending
    return file.size - row.offset if file.size >= row.offset else file.size
