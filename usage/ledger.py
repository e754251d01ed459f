"""The ledger: blocks of lines become records, totals and a chained batch, in one transaction.

Same id and same content is a duplicate; same id and other content a conflict; a line that is no record goes to
quarantine whole. Records, totals, chain, batch and the file's offset are committed together: exactly once.
"""

import hashlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate, count
from typing import Any

import msgspec
from sqlalchemy import Connection, case, func, insert, literal_column, select
from sqlalchemy.dialects import postgresql, sqlite

from licensing.database import Table
from usage.months import DAY_MS
from usage.quantity import MAX_WHOLE, MICRO
from usage.record import GENESIS, UNREADABLE, BadLine, UsageRecord, decode_plain, interpret
from usage.sources import Block
from usage.tables import Batch, Chain, Finding, Quarantine, Record, Series, Total

LABEL_LENGTH = 200
_IDS_A_QUERY = 500
_ORIGIN = bytes(32)
_COLUMNS = ("number", "id", "series", "quantity", "requested_at", "sequence", "extra")

Row = tuple[int, str, int, int, int, int | None, str | None]
"""A record as it is stored: the columns of ``record`` in their order."""

Labels = tuple[str, str, str, str, str]
Link = tuple[int, str]
"""The sequence of a chained record and the digest of its line."""

_encode = msgspec.json.Encoder().encode
_UPSERT: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


@dataclass(slots=True)
class Receipt:
    """What an ingest took: new records, duplicates, conflicts, lines in quarantine, findings about the sources.

    ``pending_bytes`` stand behind the last whole line of their files and wait for their end.
    """

    files: int = 0
    new: int = 0
    duplicates: int = 0
    conflicts: int = 0
    quarantined: int = 0
    findings: int = 0
    pending_bytes: int = 0

    @property
    def clean(self) -> bool:
        """Whether there is nothing to look into; a line that is still being written is nothing."""
        return not (self.conflicts or self.quarantined or self.findings)


@dataclass(slots=True)
class Reading:
    """One file being read: its row in the ledger, and where its containers' chains stand within this reading.

    ``again`` is set for a file that was read before and is read from 0 once more: most of it will be known.
    """

    key: int
    file: str
    generation: int
    line: int
    again: bool
    links: dict[str, Link] = field(default_factory=dict)


@dataclass(slots=True)
class _Problem:
    """A line of the block that is not as it should be."""

    kind: str
    index: int
    detail: str
    name: str | None = None


@dataclass(slots=True)
class _Parsed:
    rows: list[Row] = field(default_factory=list)
    skipped: list[int] = field(default_factory=list)
    bad: list[_Problem] = field(default_factory=list)
    breaks: list[_Problem] = field(default_factory=list)
    backward: dict[int, _Problem] = field(default_factory=dict)


class Ledger:
    """The ledger as one writer sees it. Whoever uses it holds the database (``licensing.hold``).

    ``book`` is called inside a transaction; when that transaction fails, this object is of no further use.
    """

    def __init__(self, connection: Connection, *, now: datetime, receipt: Receipt) -> None:
        self._now = now
        self._receipt = receipt
        self._series: dict[Labels, int] = {
            (row.container_id, row.meter, row.container_version, row.container_type, row.api_type): row.key
            for row in connection.execute(select(Series.__table__))
        }
        self._chains: dict[str, Link] = {
            row.container_id: (row.sequence, row.digest) for row in connection.execute(select(Chain.__table__))
        }
        last = connection.execute(select(Batch.__table__).order_by(Batch.sequence.desc()).limit(1)).one_or_none()
        self._sequence: int = last.sequence if last else 0
        self._head: bytes = last.head if last else _ORIGIN
        self._next_number: int = last.first_record + last.records if last else 1
        self._new_series: list[tuple[int, Labels]] = []
        self._moved: set[str] = set()
        self._hasher = ThreadPoolExecutor(1)  # a block's digest is made beside the parsing, on the other core
        mark = "?" if connection.dialect.name == "sqlite" else "%s"
        self._insert = (
            f"INSERT INTO record ({', '.join(_COLUMNS)}) VALUES ({', '.join([mark] * len(_COLUMNS))})"  # noqa: S608
            " ON CONFLICT (id) DO NOTHING"
        )

    def book(self, connection: Connection, reading: Reading, block: Block) -> None:
        """Take one block of one file: its records, totals and problems, and the batch that seals them."""
        lines = block.data.split(b"\n")
        if not lines[-1]:
            lines.pop()
        self._new_series = []
        raw = self._hasher.submit(hashlib.sha256, block.data)
        printable = block.data.isascii() and b"\\" not in block.data and b"\x7f" not in block.data
        parsed = self._parse(lines, reading, printable=printable)
        rows, conflicts = self._store(connection, parsed, reading)
        kept = self._set_apart(connection, reading, block, lines, [*parsed.bad, *conflicts])
        noted = self._note(connection, reading, [*parsed.breaks, *parsed.backward.values()])
        if rows:
            self._receipt.new += len(rows)
            self._add_totals(connection, rows)
        if rows or kept or noted or self._new_series:
            self._seal(connection, reading, block, raw.result().digest(), rows)
        self._save_chains(connection, reading)
        reading.line += len(lines)

    def _parse(self, lines: Sequence[bytes], reading: Reading, *, printable: bool) -> _Parsed:
        """Read each line as a record or as a problem. ``printable``: nothing in the block needs escaping."""
        parsed = _Parsed()
        rows, series, links = parsed.rows, self._series, reading.links
        sha256, decode, number = hashlib.sha256, decode_plain, self._next_number
        last, expected, digest = "", 0, ""
        for index, line in enumerate(lines):
            try:
                try:
                    record: UsageRecord = decode(line)
                    quantity = record.meter.quantity
                    plain = type(quantity) is int and 0 <= quantity <= MAX_WHOLE
                except UNREADABLE:
                    plain = False
                if plain and (printable or record.id.isprintable()):
                    quantity *= MICRO
                    time, extra = record.request_time, None
                else:
                    record, extra, quantity, time = interpret(line)
                container = record.container_id
                labels = (
                    container,
                    record.meter.name,
                    record.container_version,
                    record.container_type,
                    record.api_type,
                )
                key = series.get(labels) or self._add_series(labels)
                sequence = record.sequence
                if sequence != expected or record.previous != digest or container != last:
                    if expected:
                        links[last] = (expected - 1, digest)
                    self._check_link(parsed, index, record, links.get(container))
                if sequence is None:
                    expected = 0
                else:
                    last, expected, digest = container, sequence + 1, sha256(line).hexdigest()
            except BadLine as error:
                parsed.skipped.append(index)
                if line.strip():
                    parsed.bad.append(_Problem("bad-line", index, str(error)))
                continue
            rows.append((number, record.id, key, quantity, time, sequence, extra))
            number += 1
        if expected:
            links[last] = (expected - 1, digest)
        return parsed

    def _add_series(self, labels: Labels) -> int:
        for label in labels:
            if not 1 <= len(label) <= LABEL_LENGTH or not label.isprintable():
                raise BadLine("a name in it is empty, too long or cannot be printed")
        key = len(self._series) + 1
        self._series[labels] = key
        self._new_series.append((key, labels))
        return key

    def _check_link(self, parsed: _Parsed, index: int, record: UsageRecord, link: Link | None) -> None:
        """Note where a chained record does not follow the one before it."""
        sequence, container = record.sequence, record.container_id
        if (sequence is None) != (record.previous is None):
            raise BadLine("sequence and previous come together or not at all")
        if sequence is None:
            return
        if link is None:
            link = self._chains.get(container, (0, GENESIS))
            if sequence <= link[0]:
                return
        if sequence == link[0] + 1:
            if record.previous != link[1]:
                detail = f"record {sequence} of {container} does not follow the line before it as it now stands"
                parsed.breaks.append(_Problem("edited", index, detail, container))
        elif sequence > link[0]:
            detail = f"records {link[0] + 1} to {sequence - 1} of {container} are missing"
            parsed.breaks.append(_Problem("gap", index, detail, container))
        else:
            self._advance(container, link)
            detail = f"record {sequence} of {container} stands behind record {link[0]}"
            parsed.backward[index] = _Problem("disorder", index, detail, container)

    def _advance(self, container: str, link: Link) -> None:
        if link[0] > self._chains.get(container, (0, GENESIS))[0]:
            self._chains[container] = link
            self._moved.add(container)

    def _store(self, connection: Connection, parsed: _Parsed, reading: Reading) -> tuple[list[Row], list[_Problem]]:
        """Insert what is new; a file read for the first time is taken to be new until the database says otherwise."""
        if self._new_series:
            connection.execute(insert(Series), [self._series_row(key, labels) for key, labels in self._new_series])
        rows = parsed.rows
        if not rows:
            return [], []
        if not reading.again:
            with connection.begin_nested() as savepoint:
                if connection.exec_driver_sql(self._insert, rows).rowcount == len(rows):
                    return rows, []
                savepoint.rollback()
        new, conflicts = self._sift(connection, parsed)
        reading.again = len(new) * 2 < len(rows)
        if new:
            connection.exec_driver_sql(self._insert, new)
        return new, conflicts

    def _series_row(self, key: int, labels: Labels) -> dict[str, Any]:
        container, meter, version, kind, api = labels
        return {
            "key": key,
            "container_type": kind,
            "container_version": version,
            "container_id": container,
            "meter": meter,
            "api_type": api,
            "batch": self._sequence + 1,
        }

    def _sift(self, connection: Connection, parsed: _Parsed) -> tuple[list[Row], list[_Problem]]:
        """Tell new records from duplicates and conflicts, against the ledger and within the block."""
        known = _contents(connection, [row[1] for row in parsed.rows])
        new: list[Row] = []
        conflicts: list[_Problem] = []
        skipped = set(parsed.skipped)
        indexes = (index for index in count() if index not in skipped)
        for row, index in zip(parsed.rows, indexes, strict=False):
            identity, content = row[1], row[2:]
            earlier = known.get(identity)
            if earlier is None:
                known[identity] = content
                new.append((self._next_number + len(new), *row[1:]))
                continue
            parsed.backward.pop(index, None)
            if earlier == content:
                self._receipt.duplicates += 1
            else:
                reason = "this id is in the ledger already, with other content"
                conflicts.append(_Problem("conflict", index, reason, identity))
        return new, conflicts

    def _set_apart(
        self,
        connection: Connection,
        reading: Reading,
        block: Block,
        lines: Sequence[bytes],
        problems: list[_Problem],
    ) -> int:
        """Keep bad lines and conflicts whole, with their place; what lies there already is not kept twice."""
        if not problems:
            return 0
        starts = list(accumulate((len(line) + 1 for line in lines), initial=block.start))
        kept = 0
        for problem in problems:
            line = lines[problem.index]
            values = {
                "kind": problem.kind,
                "source": reading.key,
                "line": reading.line + problem.index + 1,
                "start": starts[problem.index],
                "reason": problem.detail,
                "record_id": problem.name,
                "content": line,
                "digest": hashlib.sha256(line).digest(),
                "taken_at": self._now,
            }
            if _insert_once(connection, Quarantine, values):
                kept += 1
                if problem.kind == "conflict":
                    self._receipt.conflicts += 1
                else:
                    self._receipt.quarantined += 1
        return kept

    def _note(self, connection: Connection, reading: Reading, problems: Iterable[_Problem]) -> int:
        """Record findings about the container's chain; one that is known already is not recorded twice."""
        return sum(
            self.report_finding(
                connection,
                reading,
                kind=problem.kind,
                line=reading.line + problem.index + 1,
                container_id=problem.name,
                detail=problem.detail,
            )
            for problem in problems
        )

    def report_finding(
        self,
        connection: Connection,
        reading: Reading,
        *,
        kind: str,
        line: int,
        container_id: str | None,
        detail: str,
    ) -> bool:
        """Record a finding about a source; False when it is known already."""
        values = {
            "kind": kind,
            "source": reading.key,
            "line": line,
            "container_id": container_id,
            "detail": detail,
            "found_at": self._now,
        }
        fresh = _insert_once(connection, Finding, values)
        self._receipt.findings += fresh
        return fresh

    def _add_totals(self, connection: Connection, rows: list[Row]) -> None:
        """Add what was just stored to the totals of its days; the database sums its own rows."""
        day = Record.requested_at // literal_column(str(DAY_MS))
        stored = (
            select(day, Record.series, func.sum(Record.quantity), func.count(), func.max(Record.requested_at))
            .where(Record.number >= rows[0][0])
            .group_by(day, Record.series)
        )
        statement = _UPSERT[connection.dialect.name](Total).from_select(
            ["day", "series", "quantity", "records", "last_at"], stored
        )
        added = statement.excluded
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["day", "series"],
                set_={
                    "quantity": Total.quantity + added.quantity,
                    "records": Total.records + added.records,
                    "last_at": case((added.last_at > Total.last_at, added.last_at), else_=Total.last_at),
                },
            )
        )

    def _seal(self, connection: Connection, reading: Reading, block: Block, raw: bytes, rows: list[Row]) -> None:
        """Chain the batch: its digests bind the bytes, the rows, the series they name, and every batch before."""
        self._sequence += 1
        stored = rows_digest(self._new_series, rows)
        self._head = batch_head(
            self._head,
            sequence=self._sequence,
            file=reading.file,
            generation=reading.generation,
            start=block.start,
            stop=block.stop,
            raw=raw,
            first_record=self._next_number,
            records=len(rows),
            rows=stored,
        )
        connection.execute(
            insert(Batch).values(
                sequence=self._sequence,
                source=reading.key,
                file=reading.file,
                generation=reading.generation,
                start=block.start,
                stop=block.stop,
                raw=raw,
                first_record=self._next_number,
                records=len(rows),
                rows=stored,
                head=self._head,
                taken_at=self._now,
            )
        )
        self._next_number += len(rows)

    def _save_chains(self, connection: Connection, reading: Reading) -> None:
        for container, link in reading.links.items():
            self._advance(container, link)
        if not self._moved:
            return
        statement = _UPSERT[connection.dialect.name](Chain)
        statement = statement.on_conflict_do_update(
            index_elements=["container_id"],
            set_={"sequence": statement.excluded.sequence, "digest": statement.excluded.digest},
        )
        connection.execute(
            statement,
            [
                {
                    "container_id": container,
                    "sequence": self._chains[container][0],
                    "digest": self._chains[container][1],
                }
                for container in self._moved
            ],
        )
        self._moved.clear()


def rows_digest(new_series: Sequence[tuple[int, Labels]], rows: Sequence[Row]) -> bytes:
    """SHA-256 of a batch's rows as stored: the JSON array ``[[series it introduces], [rows]]``, no spaces, UTF-8."""
    return hashlib.sha256(_encode((new_series, rows))).digest()


def batch_head(
    previous: bytes,
    *,
    sequence: int,
    file: str,
    generation: int,
    start: int,
    stop: int,
    raw: bytes,
    first_record: int,
    records: int,
    rows: bytes,
) -> bytes:
    """The head of the ledger after a batch: SHA-256 of a JSON array that names its own type and every field."""
    fields = (
        "azlic.batch/v1",
        previous.hex(),
        sequence,
        file,
        generation,
        start,
        stop,
        raw.hex(),
        first_record,
        records,
        rows.hex(),
    )
    return hashlib.sha256(_encode(fields)).digest()


def _contents(connection: Connection, identities: Sequence[str]) -> dict[str, tuple[Any, ...]]:
    """What the ledger holds under these ids: the columns that make up a record's content."""
    columns = (Record.id, Record.series, Record.quantity, Record.requested_at, Record.sequence, Record.extra)
    found: dict[str, tuple[Any, ...]] = {}
    for start in range(0, len(identities), _IDS_A_QUERY):
        wanted = identities[start : start + _IDS_A_QUERY]
        for row in connection.execute(select(*columns).where(Record.id.in_(wanted))):
            found[row[0]] = tuple(row)[1:]
    return found


def _insert_once(connection: Connection, table: type[Table], values: dict[str, Any]) -> bool:
    """Insert a row unless an equal one is there; whether it was inserted."""
    statement = _UPSERT[connection.dialect.name](table).values(values).on_conflict_do_nothing()
    return bool(connection.execute(statement).rowcount)
