"""Which file is which: finds for each file on the disk what is known of it, and says what became of the others.

A file is the one that was read before when all it held up to the offset is still there, byte for byte (``consumed``).
Device and inode say where to look first; a file that moved to another file system, was copied or was compressed is
found by its ``head``; the ``marker`` before the offset distinguishes most other files without reading them whole. On
any doubt a file is read again from 0: ids are unique for ever. The lengths of head and marker are kept with them, so
that another version may choose others.
"""

import hashlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnExpressionArgument,
    Connection,
    bindparam,
    func,
    insert,
    or_,
    select,
    text,
    update,
)

from licensing.core.text import printable
from licensing.db.schema import rows_of
from usage.intake.passed_over import short_path
from usage.ledger.sequences import last_links
from usage.ledger.source_kinds import ON_DISK
from usage.ledger.tables.records import FindingRow, SourceRow
from usage.ledger.writer import Cursor, Ledger
from usage.records.output_scan import OutputScan, scan_folder
from usage.records.usage_files import Block, DamagedFile, FoundFile, OpenFile, Stretch, UnreadableFile, is_compressed

HEAD_BYTES = 1024
MARKER_BYTES = 256
_LINK_BYTES = 16 * 1024
_FEW = 500


class Memory:
    """What one process remembers of sources between two ingests.

    ``read`` has offset, identity, and the digest that runs up to there; ``refused`` the file as it was, and why.
    """

    def __init__(self) -> None:
        self.read: dict[int, tuple[int, tuple[int, int], Any]] = {}
        self.refused: dict[int, tuple[FoundFile, DamagedFile]] = {}

    def update(self, other: "Memory") -> None:
        """Take what another remembers."""
        self.read |= other.read
        self.refused |= other.refused

    def refusal(self, source: int, file: FoundFile) -> DamagedFile | None:
        """Why a file was refused, while it is as it was then."""
        before, error = self.refused.get(source, (None, None))
        return error if before == file else None


@dataclass(slots=True)
class Work:
    """A file to be read, from where, and the last bytes before that place. ``unchanged`` needs no reading.

    ``verified_ns`` is the file's ctime before everything up to there was last read. ``error`` says why it could not
    even be looked into.
    """

    file: FoundFile
    cursor: Cursor
    start: int
    verified_ns: int = 0
    tail: bytes = b""
    head: bytes = b""
    unchanged: bool = False
    pending: int = 0
    error: UnreadableFile | None = None

    def stands_in(self, opened: OpenFile) -> bool:
        """Whether an opened file is still the one that was matched, with the same bytes before the place to read from.

        One that was truncated and written anew since then has others there.
        """
        same = opened.look().identity == self.file.identity
        return same and opened.read(self.start - len(self.tail), len(self.tail)) == self.tail

    def position(self) -> dict[str, object]:
        """How far the file was taken, as ``keep`` stores it."""
        return {
            "of": self.cursor.source,
            "to_offset": self.start,
            "to_line": self.cursor.line,
            "to_marker_length": len(self.tail),
            "to_marker": hashlib.sha256(self.tail).digest(),
            "to_consumed": self.cursor.digest.digest(),
        }

    def pass_block(self, block: Block | Stretch) -> None:
        """Go on behind a block that was taken; ``keep`` stores how far."""
        if block.start == len(self.head) < HEAD_BYTES:
            self.head = (self.head + block.data[:HEAD_BYTES])[:HEAD_BYTES]
        self.start = block.stop
        self.tail = (self.tail + block.ending)[-MARKER_BYTES:]


_POSITION: dict[str, BindParameter[object]] = {
    name: bindparam(f"to_{name}") for name in ("offset", "line", "marker_length", "marker", "consumed")
}
_HEAD: dict[str, BindParameter[object]] = {name: bindparam(f"to_{name}") for name in ("head_length", "head")}
_LOOK: dict[str, BindParameter[object]] = {"changed_ns": bindparam("changed"), "pending": bindparam("left")}
_OF = update(SourceRow).where(SourceRow.key == bindparam("of"))


def keep(connection: Connection, taken: Iterable[Work], looked: Iterable[Work]) -> None:
    """Keep in the ledger how far files were taken, within that transaction; and what those looked at are like now."""
    taken = list(taken)
    heads = [
        {"of": work.cursor.source, "to_head_length": len(work.head), "to_head": hashlib.sha256(work.head).digest()}
        for work in taken
        if work.head
    ]
    looks = [{"of": work.cursor.source, "changed": work.verified_ns, "left": work.pending} for work in looked]
    positions = [work.position() for work in taken]
    for statement, values in (
        (_OF.values(_POSITION), positions),
        (_OF.values(_HEAD), heads),
        (_OF.values(_LOOK), looks),
    ):
        if values:
            connection.execute(statement, values)


class Matching:
    """Matches the files that were found with the sources that are known."""

    def __init__(self, connection: Connection, ledger: Ledger, *, now: datetime, memory: Memory) -> None:
        self._connection = connection
        self._ledger = ledger
        self._now = now
        self._memory = memory
        self._claimed: set[int] = set()
        self._scanned: set[str] = set()
        self._lost: dict[str, int] = {}
        self._all: list[SourceRow] | None = None
        self._beside = cache(_Beside)

    def match(self, scan: OutputScan, folders: Sequence[Path]) -> list[Work]:
        """The work that each file means, in the order of the files; lost sources are reported."""
        files = scan.files
        rows = self._candidates(files, folders)
        self._scanned = {file.text for file in files}
        for row in rows:
            if row.vanished_at is not None:
                self._lost.setdefault(row.path, row.key)
        there = [row for row in rows if row.vanished_at is None]
        in_place = {(row.device, row.inode, row.path): row for row in there}
        by_identity = {(row.device, row.inode): row for row in there}
        by_path = {row.path: row for row in there}
        work: dict[Path, Work] = {}
        for file in files:
            if (same := in_place.get((*file.identity, file.text))) is not None:
                self._claim(work, file, same, moved=False)
        for file in files:
            same = by_identity.get(file.identity)
            if file.path not in work and same is not None and same.key not in self._claimed:
                self._claim(work, file, same, moved=True)
        for file in files:
            if file.path not in work:
                self._find_by_content(work, file, by_path.get(file.text))
        for row in there:
            if row.key not in self._claimed and not scan.may_hide(Path(row.path)):
                self._lose(row, folders, work)
        self._begin(work, [file for file in files if file.path not in work])
        return [work[file.path] for file in files if file.path in work]

    def _candidates(self, files: Sequence[FoundFile], folders: Sequence[Path]) -> list[SourceRow]:
        """The sources that could be meant: all of them, or for a few files those with their folder, path or inode."""
        meant: list[ColumnExpressionArgument[bool]] = [text(ON_DISK)]
        if len(files) + len(folders) <= _FEW:
            inodes, told = [file.inode for file in files], [printable(folder) for folder in folders]
            below = [SourceRow.path.startswith(f"{folder}/", autoescape=True) for folder in told]
            meant.append(or_(SourceRow.inode.in_(inodes), SourceRow.path.in_(told), *below))
        rows = list(rows_of(self._connection, SourceRow, *meant, order_by=[SourceRow.key]))
        if len(meant) == 1:
            self._all = rows
        return rows

    def _find_by_content(self, work: dict[Path, Work], file: FoundFile, at_path: SourceRow | None) -> None:
        """A file under an unknown inode: a copy in place, or one that was moved, restored or compressed."""
        if at_path is not None and at_path.key not in self._claimed and self._claim(work, file, at_path, moved=True):
            return
        for row in self._with_its_head(file):
            # what lies at a scanned path was claimed by now, if it is what it was
            elsewhere = row.vanished_at is None and row.path not in self._scanned and not _is_other(row)
            if not elsewhere and row.key not in self._claimed and self._claim(work, file, row, moved=True):
                return

    def _with_its_head(self, file: FoundFile) -> list[SourceRow]:
        found: list[SourceRow] = []
        if not self._head_lengths:
            return found
        try:
            with OpenFile(file.path) as opened:
                start = opened.read(0, HEAD_BYTES)
        except (FileNotFoundError, UnreadableFile):
            return found
        heads = [hashlib.sha256(start[:length]).digest() for length in self._head_lengths if length <= len(start)]
        if self._all is not None:
            return [row for head in heads for row in self._by_head.get(head, ())]
        for first in range(0, len(heads), _FEW):
            same = SourceRow.head.in_(heads[first : first + _FEW])
            found += rows_of(self._connection, SourceRow, same, order_by=[SourceRow.key.desc()])
        return found

    @cached_property
    def _head_lengths(self) -> Sequence[int]:
        """The lengths of heads by which a source may be found; of all sources, those that are somewhere else by now."""
        if self._all is not None:
            return list({row.head_length for rows in self._by_head.values() for row in rows})
        query = select(SourceRow.head_length).distinct().where(SourceRow.head_length > 0)
        return self._connection.execute(query).scalars().all()

    @cached_property
    def _by_head(self) -> dict[bytes, list[SourceRow]]:
        found: dict[bytes, list[SourceRow]] = {}
        for row in reversed(self._all or ()):
            if row.head_length and row.key not in self._claimed:
                found.setdefault(row.head, []).append(row)
        return found

    def _claim(self, work: dict[Path, Work], file: FoundFile, row: SourceRow, *, moved: bool) -> bool:
        """Take a source as the file, if everything that was read from it is still there."""
        if not moved and _is_unchanged(file, row):
            cursor = self._cursor(file, row.key, row.line)
            work[file.path] = Work(file, cursor, row.offset, unchanged=True, pending=row.pending)
            self._claimed.add(row.key)
            return True
        try:
            if (refused := self._memory.refusal(row.key, file)) is not None:
                raise refused
            with OpenFile(file.path) as opened:
                resumed = self._resume(opened, file, row)
        except FileNotFoundError:
            return False
        except UnreadableFile as error:
            if (row.device, row.inode) != file.identity:
                return False
            resumed = Work(file, self._cursor(file, row.key, row.line), row.offset, error=error)
        if resumed is None:
            return False
        self._claimed.add(row.key)
        work[file.path] = resumed
        values = {"path": file.text, "device": file.device, "inode": file.inode, "vanished_at": None}
        self._connection.execute(update(SourceRow).where(SourceRow.key == row.key).values(values))
        return True

    def _resume(self, opened: OpenFile, file: FoundFile, row: SourceRow) -> Work | None:
        """The work that continues after the offset; None where the bytes before it are not those that were read."""
        tail = opened.read(row.offset - row.marker_length, row.marker_length)
        if len(tail) < row.marker_length or (row.offset and hashlib.sha256(tail).digest() != row.marker):
            return None
        known = self._memory.read.get(row.key)
        if known is not None and known[0] == row.offset and known[1] == file.identity:
            digest, verified = known[2].copy(), row.changed_ns  # the next look without memory reads it all
        else:
            digest, verified = hashlib.sha256(), file.changed_ns
            for stretch in opened.stretches(0, row.offset):
                digest.update(stretch)
            if row.offset and digest.digest() != row.consumed:
                return None
        head = opened.read(0, min(HEAD_BYTES, row.offset)) if row.head_length < HEAD_BYTES else b""
        cursor = self._cursor(file, row.key, row.line)
        cursor.digest = digest
        before = min(_LINK_BYTES, row.offset)
        cursor.links = last_links(opened.read(row.offset - before, before))
        return Work(file, cursor, row.offset, verified, tail=tail, head=head)

    def _begin(self, work: dict[Path, Work], files: Sequence[FoundFile]) -> None:
        """Enter files that are new."""
        if not files:
            return
        values = [{"path": file.text, "device": file.device, "inode": file.inode} for file in files]
        made = insert(SourceRow).returning(SourceRow.key, sort_by_parameter_order=True)
        for file, key in zip(files, self._connection.execute(made, values).scalars().all(), strict=True):
            cursor = self._cursor(file, key, 0)
            cursor.again = cursor.reread
            work[file.path] = Work(file, cursor, 0, file.changed_ns)

    def _cursor(self, file: FoundFile, key: int, line: int) -> Cursor:
        reread = self._lost.get(file.text, key) < key
        return Cursor(key, short_path(file.path), line, reread=reread)

    def _lose(self, row: SourceRow, folders: Sequence[Path], work: dict[Path, Work]) -> None:
        """A source that none of the files is any more: gone, or its place was taken by something else.

        It is no loss where a file beside it still holds what was read; and one that was renamed in this very moment, or
        while only single files are looked at, is left for the next ingest of the folder.
        """
        path = Path(row.path)
        if not any(path.is_relative_to(folder) for folder in folders):
            return
        beside = self._beside(path.parent)
        renamed = beside.by_identity.get((row.device, row.inode))
        if renamed is not None and renamed.text not in self._scanned:
            return
        self._connection.execute(update(SourceRow).where(SourceRow.key == row.key).values(vanished_at=self._now))
        self._lost.setdefault(row.path, row.key)
        nothing_in_it = not (row.offset or row.pending)
        if nothing_in_it or beside.holds(row):
            return
        kind, detail = _fate(path, row, taken=path in work)
        same = (FindingRow.kind == kind, FindingRow.file == short_path(path), FindingRow.source == row.key)
        earlier = self._connection.execute(select(func.count()).where(*same)).scalar_one()
        rest = f"; {row.pending} bytes after it had not been taken" if row.pending else ""
        times = f", {earlier} times before" if earlier else ""
        detail = f"{row.path} had been read up to byte {row.offset}, and {detail}{rest} (source {row.key}{times})"
        self._ledger.report_finding(self._connection, kind=kind, source=row.key, file=short_path(path), detail=detail)


class _Beside:
    """The files in a folder that sources were lost from: each is read once, however many were."""

    def __init__(self, folder: Path) -> None:
        self._files = scan_folder(folder).files
        self.by_identity = {file.identity: file for file in self._files}
        self._by_head: dict[int, dict[bytes, list[FoundFile]]] = {}

    def holds(self, row: SourceRow) -> bool:
        """Whether one of the files begins with all that was seen of a source."""
        if row.head_length not in self._by_head:
            heads = self._by_head[row.head_length] = {}
            for file, beginning in self._beginnings.items():
                heads.setdefault(hashlib.sha256(beginning[: row.head_length]).digest(), []).append(file)
        return any(_holds(file, row) for file in self._by_head[row.head_length].get(row.head, ()))

    @cached_property
    def _beginnings(self) -> dict[FoundFile, bytes]:
        found: dict[FoundFile, bytes] = {}
        for file in self._files:
            with suppress(FileNotFoundError, UnreadableFile), OpenFile(file.path) as opened:
                found[file] = opened.read(0, HEAD_BYTES)
        return found


def _fate(path: Path, row: SourceRow, *, taken: bool) -> tuple[str, str]:
    """What became of a source that is lost, as a kind of finding and in words."""
    try:
        now = FoundFile.at(path, path.stat(follow_symlinks=False))
    except OSError:
        return "vanished", "is gone"
    if taken or now.identity != (row.device, row.inode):
        return "replaced", "is now another file"
    if now.size < row.offset:
        return "shrunk", f"now has {now.size} bytes"
    return "rewritten", "what precedes that place has changed"


def _is_unchanged(file: FoundFile, row: SourceRow) -> bool:
    """Whether nothing happened to a file since it was last looked at; its size guards against a coarse clock."""
    same = row.changed_ns == file.changed_ns and (row.device, row.inode) == file.identity
    return bool(same and (file.size == row.offset + row.pending or is_compressed(file.path)))


def _holds(file: FoundFile, row: SourceRow) -> bool:
    """Whether a file begins with all that was seen of a source, as a copy or a compressed one does."""
    digest, left = hashlib.sha256(), row.offset
    try:
        with OpenFile(file.path) as opened:
            for stretch in opened.stretches(0, row.offset):
                digest.update(stretch)
                left -= len(stretch)
            left += row.pending - len(opened.read(row.offset, row.pending))
    except (FileNotFoundError, UnreadableFile):
        return False
    return left == 0 and bool(digest.digest() == row.consumed)


def _is_other(row: SourceRow) -> bool:
    try:
        found = FoundFile.at(Path(row.path), Path(row.path).stat(follow_symlinks=False))
    except OSError:
        return True
    return found.identity != (row.device, row.inode)
