"""The chain of batches: where it ends, and how the next one is sealed to it."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, insert, select, text

from licensing.core.instants import from_milliseconds, milliseconds
from licensing.db.changes import changes_of
from usage.ledger.canonical import NO_ENTRIES, ORIGIN, SealedBatch, batch_head, rows_digest
from usage.ledger.entries import book_all, book_touched
from usage.ledger.source_kinds import VIRTUAL, SourceKind
from usage.ledger.tables.records import BatchRow, SourceRow

NO_BYTES = bytes(32)
"""What a batch has ``consumed`` that was read from no file."""


class BatchChain:
    """The newest batch of a ledger as one writer sees it; ``sequence`` and ``head`` are that batch's.

    A batch binds what its transaction changed in booked tables. Where no batch did that before, it binds all of them
    as they are: so a ledger of an earlier version goes on. Without ``now`` a batch has the time of the one before it.
    """

    def __init__(self, connection: Connection, *, now: datetime | None = None) -> None:
        self._now = None if now is None else milliseconds(now)
        self._added: list[SealedBatch] = []
        self._read(connection)

    def _read(self, connection: Connection) -> None:
        last = connection.execute(select(BatchRow.__table__).order_by(BatchRow.sequence.desc()).limit(1)).one_or_none()
        self._within = changes_of(connection)
        self._booked = last is not None and last.entries is not None
        self._taken_at = self._now if self._now is not None else milliseconds(last.taken_at) if last else 0
        self.sequence: int = last.sequence if last else 0
        self.head: bytes = last.head if last else ORIGIN
        self.next_number: int = last.first_record + last.records if last else 1

    def follow(self, connection: Connection) -> None:
        """In another transaction, go on behind what others sealed since the last one."""
        if not self._added and self._within is not changes_of(connection):
            self._read(connection)

    def add(
        self,
        *,
        source: int,
        file: str,
        rows: bytes,
        start: int = 0,
        stop: int = 0,
        consumed: bytes = NO_BYTES,
        records: int = 0,
    ) -> None:
        """Chain a batch: its head binds the bytes, the rows, and every batch before. ``save`` stores it."""
        self.sequence += 1
        batch = SealedBatch(
            sequence=self.sequence,
            file=file,
            start=start,
            stop=stop,
            consumed=consumed,
            first_record=self.next_number,
            records=records,
            rows=rows,
            source=source,
            taken_at=self._taken_at,
            entries=NO_ENTRIES,
        )
        self._added.append(batch)
        self.next_number += records

    def save(self, connection: Connection) -> None:
        """Store the batches that were chained since; the last one binds what was changed beside them."""
        if self._added:
            book = book_touched if self._booked else book_all
            self._added[-1] = replace(self._added[-1], entries=book(connection, self.sequence))
            self._booked = True
            connection.execute(insert(BatchRow), [self._row(batch) for batch in self._added])
            self._added = []

    def seal(self, connection: Connection, *, source: int, file: str, rows: bytes) -> None:
        """Chain and store a batch that was read from no file."""
        self.add(source=source, file=file, rows=rows)
        self.save(connection)

    def seal_changes(self, connection: Connection) -> None:
        """Chain and store a batch of what was changed and is in no batch yet, if anything was."""
        book = book_touched if self._booked else book_all
        entries = book(connection, self.sequence + 1)
        if entries == NO_ENTRIES and (self._booked or not self.sequence):
            return
        self._booked = True
        self.add(
            source=desk_source(connection, SourceKind.CHANGE), file=SourceKind.CHANGE.value, rows=rows_digest([], [])
        )
        batch = replace(self._added.pop(), entries=entries)
        connection.execute(insert(BatchRow), [self._row(batch)])

    def _row(self, batch: SealedBatch) -> dict[str, object]:
        self.head = batch_head(self.head, batch)
        fields = {name: getattr(batch, name) for name in SealedBatch.__slots__}
        return fields | {"head": self.head, "taken_at": from_milliseconds(batch.taken_at)}


def desk_source(connection: Connection, kind: SourceKind) -> int:
    """The key of the virtual source of what is booked at the desk, closes and corrections; entered once."""
    path = kind.value
    found = connection.execute(select(SourceRow.key).where(SourceRow.path == path, text(VIRTUAL))).scalar()
    if found is None:
        found = connection.execute(insert(SourceRow).values(path=path).returning(SourceRow.key)).scalar_one()
    return int(found)
