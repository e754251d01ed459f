"""The chains of our own containers: each record numbered without a gap and bound to the line before it.

A gap, an edited or removed line, and records out of order are findings. What is missing is kept as gaps, which close
when the records arrive after all.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from sqlalchemy import Connection, delete, exists, insert, select, update

from licensing.db.inserts import upsert
from licensing.db.schema import row_of, rows_of
from usage.ledger.tables.records import ChainRow, FindingRow, GapRow
from usage.records.record import GENESIS, BadLine, UsageRecord, interpret

Link = tuple[int, str]
"""The sequence of a chained record and the digest of its line."""

LATE: Link = (0, "")


@dataclass(frozen=True, slots=True)
class Problem:
    """A line of a block that is not as it should be. ``name`` is its container, or the id of a record.

    ``due_at`` is when a record that is dated ahead can be taken.
    """

    kind: str
    index: int
    detail: str
    name: str | None = None
    due_at: datetime | None = None


def in_a_row(problems: Sequence[Problem], each: int) -> Iterator[tuple[Problem, int]]:
    """Problems with the index of their last line: behind the first ``each``, bad lines in a row are one problem."""
    bad = [problem for problem in problems if problem.kind == "bad-line" and problem.name is None][each:]
    rest = {problem.index for problem in bad}
    yield from ((problem, problem.index) for problem in problems if problem.index not in rest)
    for _, row in groupby(enumerate(bad), key=lambda item: item[1].index - item[0]):
        first, *others = (problem for _, problem in row)
        if others:
            first = replace(first, detail=f"{first.detail}; {len(others) + 1:,} lines in a row are no records")
        yield first, others[-1].index if others else first.index


@dataclass(frozen=True, slots=True)
class Missing:
    """Records ``first`` to ``last`` of a container that should have stood before a line."""

    container: str
    first: int
    last: int
    index: int


@dataclass(slots=True)
class Breaks:
    """Where the chained records of a block do not follow one another.

    ``missing`` has never been seen; ``removed`` was, in an earlier reading or another file. ``late`` are records from
    before the newest known, by index: if they are new, they fill gaps; those that also stand behind a later one in
    their own file are ``disorder``.
    """

    edited: list[Problem]
    missing: list[Missing]
    removed: list[Missing]
    late: dict[int, tuple[str, int]]
    disorder: dict[int, Problem]


class Chains:
    """The newest link of every container, as one writer knows them."""

    def __init__(self, connection: Connection) -> None:
        self._newest: dict[str, Link] = {
            row.container_id: (row.sequence, row.digest) for row in rows_of(connection, ChainRow)
        }
        self._moved: set[str] = set()

    def check(self, breaks: Breaks, index: int, record: UsageRecord, link: Link | None) -> Link | None:
        """Note where a record does not follow ``link``, the one before it in its file.

        Returns the link that the next record has to follow, where that is not this record's own; ``LATE`` for a record
        from before the newest known, so that the next one is looked at, too. Raises ``BadLine`` for one that has only
        half of what makes a link.
        """
        sequence, container = record.sequence, record.container_id
        if (sequence is None) != (record.previous is None):
            raise BadLine("sequence and previous come together or not at all")
        if sequence is None:
            return None
        newest = self._newest.get(container, (0, GENESIS))
        if sequence <= newest[0]:
            breaks.late[index] = (container, sequence)
        if link is None:
            if sequence <= newest[0]:
                return LATE
            link = newest
        if sequence == link[0] + 1:
            if record.previous != link[1]:
                detail = f"record {sequence} of {container} does not follow the line before it as it is now"
                breaks.edited.append(Problem("edited", index, detail, container))
        elif sequence > link[0]:
            first, last = link[0] + 1, sequence - 1
            if first <= newest[0]:
                breaks.removed.append(Missing(container, first, min(last, newest[0]), index))
            if last > newest[0]:
                breaks.missing.append(Missing(container, max(first, newest[0] + 1), last, index))
        else:
            self.advance(container, link)
            breaks.late[index] = (container, sequence)
            detail = f"record {sequence} of {container} comes after record {link[0]}"
            breaks.disorder[index] = Problem("disorder", index, detail, container)
            return link
        return LATE if index in breaks.late else None

    def advance(self, container: str, link: Link) -> None:
        """Take a link as the newest of its container, unless a newer one is known."""
        if link[0] > self._newest.get(container, (0, GENESIS))[0]:
            self._newest[container] = link
            self._moved.add(container)

    def save(self, connection: Connection) -> None:
        """Store the links that moved."""
        if not self._moved:
            return
        statement = upsert(connection, ChainRow)
        statement = statement.on_conflict_do_update(
            index_elements=["container_id"],
            set_={"sequence": statement.excluded.sequence, "digest": statement.excluded.digest},
        )
        rows = [
            {"container_id": container, "sequence": self._newest[container][0], "digest": self._newest[container][1]}
            for container in sorted(self._moved)
        ]
        connection.execute(statement, rows)
        self._moved.clear()


def last_links(data: bytes) -> dict[str, Link]:
    """Where the chains of containers end after the last lines of a file; ``data`` may begin within a line."""
    links: dict[str, Link] = {}
    for line in data.split(b"\n"):
        try:
            record, *_ = interpret(line)
        except BadLine:
            continue
        if record.sequence is not None and record.sequence > links.get(record.container_id, (0, ""))[0]:
            links[record.container_id] = (record.sequence, hashlib.sha256(line).hexdigest())
    return links


def is_gap(connection: Connection, missing: Missing) -> bool:
    """Whether some of these records are known to be missing."""
    overlaps = (GapRow.container_id == missing.container, GapRow.first <= missing.last, GapRow.last >= missing.first)
    return connection.execute(select(GapRow.first).where(*overlaps)).first() is not None


def open_gap(connection: Connection, missing: Missing, *, source: int, line: int, now: datetime) -> bool:
    """Keep that records are missing; False when that is known."""
    if is_gap(connection, missing):
        return False
    values = {"container_id": missing.container, "first": missing.first, "last": missing.last}
    connection.execute(insert(GapRow).values(**values, source=source, line=line, found_at=now))
    return True


def close_gap(connection: Connection, container: str, sequence: int) -> bool:
    """A missing record has arrived: what was one gap becomes none, one, or two smaller ones. False when none was."""
    around = GapRow.container_id == container, GapRow.first <= sequence, GapRow.last >= sequence
    gap = row_of(connection, GapRow, *around)
    if gap is None:
        return False
    connection.execute(delete(GapRow).where(GapRow.container_id == container, GapRow.first == gap.first))
    for first, last in ((gap.first, sequence - 1), (sequence + 1, gap.last)):
        if first <= last:
            values = {"container_id": container, "first": first, "last": last}
            connection.execute(insert(GapRow).values(**values, source=gap.source, line=gap.line, found_at=gap.found_at))
    return True


def settle_closed_gaps(connection: Connection, containers: set[str], *, now: datetime) -> None:
    """Let each gap finding of containers rest whose records have all arrived."""
    still = exists().where(
        GapRow.container_id == FindingRow.container_id,
        GapRow.source == FindingRow.source,
        GapRow.line == FindingRow.line,
    )
    connection.execute(
        update(FindingRow)
        .where(FindingRow.kind == "gap", FindingRow.settled_at.is_(None), FindingRow.container_id.in_(containers))
        .where(~still)
        .values(settled_at=now, settled_why="the missing records have arrived")
    )
