"""The ledger: blocks of lines become records, totals and a chained batch, in one transaction.

Same id and same content is a duplicate; same id and other content a conflict; a line that is not a record goes to
quarantine whole. Records, totals, chain, batch and the file's offset are committed together: exactly once.
"""

import contextlib
import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import NamedTuple, Protocol

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import IntegrityError

from licensing.core.instants import from_milliseconds, iso, milliseconds
from licensing.core.text import sendable
from licensing.db.inserts import insert_once, insert_rows
from licensing.db.readonly import view_of
from licensing.history.remember import advance
from licensing.history.tables import WitnessMarkRow
from licensing.verdict.seen import WitnessKind
from usage.ledger.batch_log import BatchChain
from usage.ledger.canonical import Booking, Row, rows_digest
from usage.ledger.closed_months import booking_month, last_closed_month
from usage.ledger.corrections import book_late
from usage.ledger.counted_ahead import AHEAD
from usage.ledger.parse import Parsed, is_printable, parse_lines
from usage.ledger.receipt import Receipt
from usage.ledger.sequences import (
    Chains,
    Link,
    Missing,
    Problem,
    close_gap,
    in_a_row,
    is_gap,
    open_gap,
    settle_closed_gaps,
)
from usage.ledger.series import SeriesBook
from usage.ledger.tables.records import FindingRow, QuarantineRow, RecordRow
from usage.ledger.totals import Room, add_totals, sums_by_day
from usage.months import DAY_MS, day_number
from usage.records.lines import Hole, Lines
from usage.records.usage_files import BEGINNING, Block, Stretch

_IDS_A_QUERY = 500
_SMALL = 64 * 1024
"""To hash so few bytes takes less than to hand them over."""
_EACH = 1_000
"""So many bad lines of a block are kept each for itself; of more, those in a row are kept as one."""
_COLUMNS = ("number", "id", "series", "quantity", "requested_at", "sequence", "extra")


class Digest(Protocol):
    """What runs over the bytes of a source, as ``hashlib.sha256`` does."""

    def update(self, data: bytes, /) -> None:
        """Go on over more bytes."""

    def digest(self) -> bytes:
        """The digest up to here."""


@dataclass(slots=True)
class Cursor:
    """One source being read: its row in the ledger, how far it was read, and what was read so far.

    ``digest`` runs over everything before the cursor, ``links`` says where its containers' chains stand in this source.
    ``reread`` is set for one that takes the place of a source that was read before: lines may have been removed from
    it. ``again`` says that most of what comes next will be known.
    """

    source: int
    file: str
    line: int = 0
    reread: bool = False
    again: bool = False
    digest: Digest = field(default_factory=hashlib.sha256)
    links: dict[str, Link] = field(default_factory=dict)


class _Apart(NamedTuple):
    """A line that is kept apart: its number behind the cursor, and of its content as much as is kept."""

    number: int
    start: int
    content: bytes
    length: int
    digest: bytes


class Ledger:
    """The ledger as one writer sees it. Whoever uses it holds the database (``licensing.db.lock``).

    ``book`` is called inside a transaction; when that transaction fails, this object is of no further use. ``site`` is
    put on everything that is booked. Totals, links and batches are gathered, and stored by ``flush`` before the
    transaction ends.
    """

    keeps_waiting = True
    """Whether a record that is dated ahead waits for its day: one that was dated elsewhere, or by us, does not."""

    def __init__(self, connection: Connection, *, now: datetime, receipt: Receipt, site: str = "") -> None:
        self._now = now
        self._receipt = receipt
        self._site = site
        self._series = SeriesBook(connection)
        self._chains = Chains(connection)
        self._batches = BatchChain(connection, now=now)
        closed = last_closed_month(view_of(connection))
        self._open_day = day_number(closed.next.starts_at) if closed else 0
        self._late_month = booking_month(closed, now)
        self._newest = 0
        self._newest_in = ""
        self._sums: dict[tuple[int, int], list[int]] = {}
        self._horizon = _horizon(connection, now)
        self._ahead = _known_ahead(connection)
        self._hasher = ThreadPoolExecutor(1)  # a block's digest is made beside the parsing, on the other core

    def book(self, connection: Connection, cursor: Cursor, block: Block | Stretch) -> None:
        """Take one block of one source: its records, totals and problems, and the batch that seals them."""
        self._batches.follow(connection)
        self._series.new = []
        if isinstance(block, Stretch):
            self._book_stretch(connection, cursor, block)
            return
        lines = Lines.of(block.data, start=block.start)
        digested = None
        if len(block.data) > _SMALL:
            digested = self._hasher.submit(cursor.digest.update, block.data)
        else:
            cursor.digest.update(block.data)
        parsed = parse_lines(
            lines.texts,
            site=self._site,
            series=self._series,
            chains=self._chains,
            links=cursor.links,
            number=self._batches.next_number,
            horizon=self._horizon,
            printable=is_printable(block.data),
            chained=b"previous" in block.data,
        )
        rows, problems = self._store(connection, parsed, cursor)
        kept = self._set_apart(connection, cursor, block, lines, [*parsed.bad, *problems])
        noted = self._note_breaks(connection, cursor, parsed, lines) + self._note_holes(connection, cursor, lines.holes)
        late: list[Booking] = []
        if rows:
            self._receipt.new += len(rows)
            late = self._add_totals(connection, rows, cursor.file)
        if digested is not None:
            digested.result()
        if rows or kept or noted or self._series.new:
            self._seal(cursor, block, rows, late)
        for container, link in cursor.links.items():
            self._chains.advance(container, link)
        cursor.line += lines.ends

    def flush(self, connection: Connection) -> None:
        """Store what was gathered, within the transaction in which it was booked."""
        self._flush_totals(connection)
        self._chains.save(connection)
        self._batches.follow(connection)
        self._batches.save(connection)
        self._batches.seal_changes(connection)
        if self._newest_in:
            advance(connection, WitnessKind.RECORD, from_milliseconds(self._newest), self._newest_in)
            self._newest_in = ""

    def _flush_totals(self, connection: Connection) -> None:
        if self._sums:
            add_totals(connection, self._sums)
            self._sums.clear()

    def _book_stretch(self, connection: Connection, cursor: Cursor, block: Stretch) -> None:
        """Pass over a hole, or set a line apart that is too long to be a record: its beginning, length and digest."""
        line, ends = hashlib.sha256(), block.ending.endswith(b"\n")
        left = length = block.stop - block.start - ends
        for piece in block.pieces():
            cursor.digest.update(piece)
            if not block.is_hole:
                line.update(piece[:left])
                left -= len(piece)
        if block.is_hole:
            kept = self._note_holes(connection, cursor, [Hole(block.start, length, 1)])
        else:
            apart = _Apart(1, block.start, block.data, length, line.digest())
            kept = self._keep_apart(connection, cursor, Problem("bad-line", 0, "it is too long to be a record"), apart)
        if kept:
            self._seal(cursor, block, [], [])
        cursor.line += ends

    def close(self) -> None:
        """Let go of the thread that makes digests."""
        self._hasher.shutdown()

    def report_finding(
        self,
        connection: Connection,
        *,
        kind: str,
        source: int,
        file: str,
        detail: str,
        line: int = 0,
        container_id: str | None = None,
    ) -> bool:
        """Record a finding about a source; False when it is known already."""
        values = {
            "kind": kind,
            "source": source,
            "file": file,
            "line": line,
            "container_id": container_id,
            "detail": sendable(detail),
            "found_at": self._now,
        }
        fresh = insert_once(connection, FindingRow, values)
        self._receipt.findings += fresh
        return fresh

    def _store(self, connection: Connection, parsed: Parsed, cursor: Cursor) -> tuple[list[Row], list[Problem]]:
        """Insert what is new; a source read for the first time is taken to be new until the database says otherwise."""
        self._series.save(connection, batch=self._batches.sequence + 1)
        rows = parsed.rows
        if not rows:
            return [], []
        one_by_one = cursor.again or parsed.large or parsed.ahead
        if not one_by_one and self._ahead.keys().isdisjoint(row[1] for row in rows):
            with contextlib.suppress(IntegrityError), connection.begin_nested():
                insert_rows(connection, RecordRow, _COLUMNS, rows)
                return rows, []
        new, problems = self._sift(connection, parsed)
        cursor.again = len(new) * 2 < len(rows)
        if new:
            insert_rows(connection, RecordRow, _COLUMNS, new)
        return new, problems

    def _sift(self, connection: Connection, parsed: Parsed) -> tuple[list[Row], list[Problem]]:
        """Tell new records from duplicates, conflicts, what no total can hold and what is dated ahead, one by one."""
        known = _contents(connection, [row[1] for row in parsed.rows])
        self._flush_totals(connection)
        room = Room(connection) if parsed.large else None
        new: list[Row] = []
        problems: list[Problem] = []
        for row, index in zip(parsed.rows, _indexes(parsed), strict=False):
            identity, content = row[1], row[2:]
            earlier = known.get(identity)
            if earlier is not None or identity in self._ahead:  # its place in its chain was looked at when it came
                parsed.breaks.late.pop(index, None)
                parsed.breaks.disorder.pop(index, None)
            if self._ahead.get(identity):
                self._receipt.duplicates += 1
                continue
            if earlier is None and self.keeps_waiting and row[4] > self._horizon:
                problems.append(_waits(row, index))
                continue
            if earlier is None and (room is None or room.takes(row)):
                known[identity] = content
                new.append((self._batches.next_number + len(new), *row[1:]))
                continue
            if earlier is None:
                parsed.breaks.late.pop(index, None)
                parsed.breaks.disorder.pop(index, None)
                problems.append(Problem("bad-line", index, "its quantity does not fit the day's total", identity))
            elif earlier == content:
                self._receipt.duplicates += 1
            else:
                reason = "this id is already in the ledger, with other content"
                problems.append(Problem("conflict", index, reason, identity))
        return new, problems

    def _set_apart(
        self, connection: Connection, cursor: Cursor, block: Block, lines: Lines, problems: list[Problem]
    ) -> int:
        """Keep bad lines and conflicts, with their place; what is there already is not kept twice."""
        if not problems:
            return 0
        starts, numbers = lines.places(block.start)
        kept = 0
        for problem, last in in_a_row(problems, _EACH):
            text = lines.texts[problem.index]
            if last > problem.index:
                stop = starts[last] + len(lines.texts[last])
                text = block.data[starts[problem.index] - block.start : stop - block.start]
            digest = hashlib.sha256(text).digest()
            content = text if problem.kind == "ahead" else text[:BEGINNING]  # it is taken from here when its day comes
            apart = _Apart(numbers[problem.index], starts[problem.index], content, len(text), digest)
            kept += self._keep_apart(connection, cursor, problem, apart)
        return kept

    def _keep_apart(self, connection: Connection, cursor: Cursor, problem: Problem, apart: "_Apart") -> bool:
        """Keep one line; of a long one its beginning, and the length and digest of all of it."""
        values = {
            "kind": problem.kind,
            "source": cursor.source,
            "file": cursor.file,
            "line": cursor.line + apart.number,
            "start": apart.start,
            "reason": problem.detail,
            "record_id": problem.name,
            "content": apart.content,
            "length": apart.length,
            "digest": apart.digest,
            "taken_at": self._now,
            "due_at": problem.due_at,
        }
        kept = insert_once(connection, QuarantineRow, values)
        if kept:
            self._count(problem)
        return kept

    def _count(self, problem: Problem) -> None:
        if problem.kind == "conflict":
            self._receipt.conflicts += 1
        elif problem.kind == "ahead":
            self._receipt.ahead += 1
            self._ahead[problem.name or ""] = False
        else:
            self._receipt.quarantined += 1

    def _note_holes(self, connection: Connection, cursor: Cursor, holes: Sequence[Hole]) -> int:
        """Record the bytes that were skipped because they are none."""
        if not holes:
            return 0
        first, length = holes[0], sum(hole.length for hole in holes)
        where = (
            f"at byte {first.start}"
            if len(holes) == 1
            else f"in {len(holes):,} places, the first at byte {first.start}"
        )
        problem = Problem("hole", 0, f"{length:,} NUL bytes were skipped {where}")
        return self._note(connection, cursor, problem, cursor.line + first.line)

    def _note_breaks(self, connection: Connection, cursor: Cursor, parsed: Parsed, lines: Lines) -> int:
        """Record what is wrong with the chains; what is known already is not recorded twice."""
        breaks, noted = parsed.breaks, 0
        for missing in breaks.missing:
            line = cursor.line + lines.number(missing.index)
            if open_gap(connection, missing, source=cursor.source, line=line, now=self._now):
                noted += self._note(connection, cursor, _absent("gap", missing, "are missing"), line)
        for missing in breaks.removed if cursor.reread else ():
            if not is_gap(connection, missing):
                line = cursor.line + lines.number(missing.index)
                noted += self._note(connection, cursor, _absent("removed", missing, "are no longer in this file"), line)
        for problem in (*breaks.edited, *breaks.disorder.values()):
            noted += self._note(connection, cursor, problem, cursor.line + lines.number(problem.index))
        for index, (container, sequence) in breaks.late.items():
            if not close_gap(connection, container, sequence):
                detail = f"numbers of {container} that were used before belong to other records here"
                problem = Problem("reused", index, detail, container)
                noted += self._note(connection, cursor, problem, cursor.line + lines.number(index))
        if breaks.late:
            settle_closed_gaps(connection, {container for container, _ in breaks.late.values()}, now=self._now)
        return noted

    def _note(self, connection: Connection, cursor: Cursor, problem: Problem, line: int) -> bool:
        return self.report_finding(
            connection,
            kind=problem.kind,
            source=cursor.source,
            file=cursor.file,
            line=line,
            container_id=problem.name,
            detail=problem.detail,
        )

    def _add_totals(self, connection: Connection, rows: list[Row], file: str) -> list[Booking]:
        """Add what was just stored to the totals of its days; the newest time in it is a witness of the clock.

        A time further ahead than a day is none: whoever dated it was wrong, or dated it elsewhere.

        What belongs to closed days changes no total of theirs: it is booked as late, and given back.
        """
        days = sums_by_day(rows)
        late = [days.pop(day) for day in list(days) if day < self._open_day]
        for day, sums in days.items():
            for series, (quantity, records, last_at) in sums.items():
                total = self._sums.setdefault((day, series), [0, 0, 0])
                total[0] += quantity
                total[1] += records
                total[2] = max(total[2], last_at)
                self._witness(last_at, file)
        return self._book_late(connection, rows) if late else []

    def _book_late(self, connection: Connection, rows: list[Row]) -> list[Booking]:
        late = [row for row in rows if row[4] < self._open_day * DAY_MS]
        self._receipt.late += len(late)
        batch = self._batches.sequence + 1
        return book_late(connection, late, booked_month=self._late_month, now=self._now, batch=batch)

    def _witness(self, newest: int, file: str) -> None:
        if self._newest < newest <= self._horizon:
            self._newest, self._newest_in = newest, file

    def _seal(self, cursor: Cursor, block: Block | Stretch, rows: list[Row], corrections: list[Booking]) -> None:
        """Chain the batch: its head binds the bytes, the rows, the series they name, and every batch before."""
        self._batches.add(
            source=cursor.source,
            file=cursor.file,
            start=block.start,
            stop=block.stop,
            consumed=cursor.digest.digest(),
            records=len(rows),
            rows=rows_digest(self._series.new, rows, corrections),
        )


def _horizon(connection: Connection, now: datetime) -> int:
    """The last instant that a record may have, in Unix milliseconds: a day beyond now.

    Now is what the clock shows, or what it showed before where it was turned back: a battery that failed makes no
    record wait that is dated right.
    """
    shown = select(func.max(WitnessMarkRow.instant)).where(WitnessMarkRow.kind != WitnessKind.RECORD)
    newest = max(milliseconds(now), connection.execute(shown).scalar() or 0)
    return newest + AHEAD // timedelta(milliseconds=1)


def _known_ahead(connection: Connection) -> dict[str, bool]:
    """The ids of records that were found dated ahead, and whether somebody or an ingest has settled them since."""
    query = select(QuarantineRow.record_id, QuarantineRow.settled_at.is_not(None))
    return {
        name or "": bool(settled) for name, settled in connection.execute(query.where(QuarantineRow.kind == "ahead"))
    }


def _waits(row: Row, index: int) -> Problem:
    due_at = from_milliseconds(row[4])
    return Problem("ahead", index, f"it is dated {iso(due_at)}, more than a day ahead", row[1], due_at)


def _indexes(parsed: Parsed) -> Iterator[int]:
    """The line indexes of ``parsed.rows``."""
    skipped = set(parsed.skipped)
    return (index for index in count() if index not in skipped)


def _absent(kind: str, missing: Missing, what: str) -> Problem:
    detail = f"records {missing.first} to {missing.last} of {missing.container} {what}"
    return Problem(kind, missing.index, detail, missing.container)


def _contents(connection: Connection, identities: Sequence[str]) -> dict[str, tuple[object, ...]]:
    """What the ledger holds under these ids: the columns that make up a record's content."""
    columns = (
        RecordRow.id,
        RecordRow.series,
        RecordRow.quantity,
        RecordRow.requested_at,
        RecordRow.sequence,
        RecordRow.extra,
    )
    found: dict[str, tuple[object, ...]] = {}
    for start in range(0, len(identities), _IDS_A_QUERY):
        wanted = identities[start : start + _IDS_A_QUERY]
        for row in connection.execute(select(*columns).where(RecordRow.id.in_(wanted))):
            found[row[0]] = tuple(row)[1:]
    return found
