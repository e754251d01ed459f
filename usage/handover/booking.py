"""Booking at head office: what a site's batches stored goes into this ledger under the site's name.

Each batch of the site that brings something becomes a batch here. Its file is ``export:SITE``, its place that of its
line among all lines of the site's ``contents.jsonl``, its ``consumed`` the site's own head: so that head office's chain
binds every site's.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlalchemy import Connection, select, update

from licensing.db.readonly import view_of
from usage.handover.contents import Contents, Stored
from usage.handover.errors import BadPackage
from usage.handover.sums import Sums
from usage.ledger.canonical import Booking, Labels, Row, canonical_digest, encode
from usage.ledger.closed_months import last_closed_month
from usage.ledger.correction_kinds import LATE
from usage.ledger.corrections import Entry, enter
from usage.ledger.counts import Booked, Counts, count, together
from usage.ledger.parse import PLAIN_WHOLE, Parsed
from usage.ledger.receipt import Receipt
from usage.ledger.source_kinds import SourceKind
from usage.ledger.tables.records import SourceRow
from usage.ledger.writer import Cursor, Ledger
from usage.months import Month
from usage.quantity import MICRO
from usage.records.lines import Lines
from usage.records.record import BadLine
from usage.records.usage_files import Block

_PLAIN = PLAIN_WHOLE * MICRO
_TOTALS_A_BATCH = 10_000


@dataclass(slots=True)
class _SiteHead:
    """Takes the place of the running digest of a file: what was read up to here is shown by the site's own head."""

    head: bytes = b""

    def update(self, data: bytes) -> None:
        """Nothing to do: the head came with the batch."""

    def digest(self) -> bytes:
        """The site's head."""
        return self.head


class SiteBooks(Ledger):
    """This ledger, as one site's exports are booked into it, within one transaction."""

    keeps_waiting = False

    def __init__(self, connection: Connection, *, site: str, source: int, now: datetime, receipt: Receipt) -> None:
        super().__init__(connection, now=now, receipt=receipt, site=site)
        self._connection = connection
        self._head_of_site = _SiteHead()
        self._cursor = Cursor(source, SourceKind.EXPORT.named(site), digest=self._head_of_site)
        self._offset: int = connection.execute(select(SourceRow.offset).where(SourceRow.key == source)).scalar_one()
        closed = last_closed_month(view_of(connection))
        self._open_from = closed.next if closed else None
        self._names: dict[int, Labels] = {}
        self._keys: dict[int, int] = {}
        self._booked: list[Booked] = []

    def name(self, names: dict[int, Labels]) -> None:
        """Tell the names of the site's series, by the site's keys."""
        self._names, self._keys = names, {}

    def take(self, contents: Contents, line: bytes, head: bytes) -> None:
        """Book what one batch of the site stored. Raises ``BadPackage`` for names that cannot be shown."""
        self._batches.follow(self._connection)
        block = Block(self._offset, line + b"\n")
        self._offset, self._head_of_site.head = block.stop, head
        self._series.new = []
        late = {booked[4] for booked in contents.corrections if booked[1] == LATE}
        entries = [self._entry(booked) for booked in contents.corrections]
        new, kept = self._take_rows(contents.rows, block)
        stored = {row[1] for row in new}
        on_their_days = [row for row in new if row[1] not in late] if late else new
        booked = self._add_totals(self._connection, on_their_days, self._cursor.file) if on_their_days else []
        entries = [entry for entry in entries if entry[0] != LATE or entry[3] in stored or not contents.rows]
        if entries:
            booked += enter(self._connection, entries, batch=self._batches.sequence + 1, now=self._now)
        batch = self._batches.sequence + 1
        self._booked += (Booked(row[1], row[4], "", row[6], row[7], batch) for row in booked)
        if new or kept or booked or self._series.new:
            self._seal(self._cursor, block, new, booked)
            self.flush(self._connection)

    def take_totals(self, sums: Sums, *, origin: str, number: int, head: bytes) -> None:
        """Book an export's totals, each as one record: its id says of which export, so that none counts twice."""
        totals = (self._record_of(total, origin, number) for total in sums.totals())
        while rows := list(islice(totals, _TOTALS_A_BATCH)):
            self.take(Contents(rows=rows), encode(rows), head)
        self.take(Contents(corrections=sums.corrections), encode(sums.corrections), head)

    @property
    def counts(self) -> Counts:
        """What was booked late and by hand; meters are not told apart."""
        return together(count((), self._booked))

    def finish(self) -> None:
        """Remember how far the site's lines were taken."""
        values = {"offset": self._offset, "consumed": self._head_of_site.head}
        self._connection.execute(update(SourceRow).where(SourceRow.key == self._cursor.source).values(values))

    def _record_of(self, total: tuple[int, int, int, int, int], origin: str, number: int) -> Row:
        day, series, quantity, records, last_at = total
        identity = ("azlic.total/v1", origin, number, day, self._names.get(series))
        name = f"total-{canonical_digest(identity).hex()}"
        return 0, name, series, quantity, last_at, None, encode({"records": records}).decode()

    def _take_rows(self, rows: Sequence[Row], block: Block) -> tuple[list[Row], int]:
        """Store the rows; returns the new ones, and how many were set apart."""
        if not rows:
            self._series.save(self._connection, batch=self._batches.sequence + 1)
            return [], 0
        self._cursor.line = rows[0][0] - 1
        if not (block.data.isascii() and b"\\" not in block.data) and not all(row[1].isprintable() for row in rows):
            raise BadPackage("the id of one of its records contains unprintable characters")
        parsed = Parsed(rows=self._rename(rows), large=max(row[3] for row in rows) > _PLAIN)
        new, problems = self._store(self._connection, parsed, self._cursor)
        lines = Lines.plain([encode((*row[1:], self._names[row[2]])) for row in rows] if problems else [])
        kept = self._set_apart(self._connection, self._cursor, block, lines, problems)
        self._receipt.new += len(new)
        return new, kept

    def _rename(self, rows: Sequence[Row]) -> list[Row]:
        """The rows under this ledger's numbers and series."""
        keys, key, first = self._keys, self._key, self._batches.next_number
        return [
            (number, name, keys.get(series) or key(series), quantity, time, sequence, extra)
            for number, (_, name, series, quantity, time, sequence, extra) in enumerate(rows, first)
        ]

    def _key(self, series: int) -> int:
        """This ledger's key of a series of the site's: the site is named here, whatever it calls itself there."""
        if series not in self._names:
            raise BadPackage(f"series {series} is unnamed in it")
        container, meter, version, kind, api, theirs = self._names[series]
        site = self._site if theirs in {"", self._site} else f"{self._site}/{theirs}"
        ours = (container, meter, version, kind, api, site)
        try:
            self._keys[series] = key = self._series.keys.get(ours) or self._series.add(ours)
        except BadLine as error:
            raise BadPackage(f"series {series}: {error}") from error
        return key

    def _entry(self, booked: Booking) -> Entry:
        """A correction of the site's, in the month the site booked it in, if that is still open here."""
        _, kind, month_booked, month, name, series, quantity, reason = booked
        bears = max(Month.from_number(month_booked), self._open_from) if self._open_from else None
        key = self._keys.get(series) or self._key(series)
        return kind, bears.number if bears else month_booked, month, name, key, quantity, reason


def only_contents(batches: Iterator[Stored], *, behind: int) -> Iterator[tuple[Contents, bytes, bytes]]:
    """Of each batch behind a size, what is to be booked: its contents, line and head."""
    for batch, head, line, contents in batches:
        if batch.sequence > behind and isinstance(contents, Contents):
            yield contents, line, head
