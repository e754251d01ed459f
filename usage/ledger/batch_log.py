"""The chain of batches: where it ends, and how the next one is sealed to it."""

from datetime import datetime

from sqlalchemy import Connection, insert, select, text

from usage.ledger.canonical import ORIGIN, SealedBatch, batch_head
from usage.ledger.source_kinds import VIRTUAL, SourceKind
from usage.ledger.tables.records import BatchRow, SourceRow

NO_BYTES = bytes(32)
"""What a batch has ``consumed`` that was read from no file."""


class BatchChain:
    """The newest batch of a ledger as one writer sees it; ``sequence`` and ``head`` are that batch's."""

    def __init__(self, connection: Connection, *, now: datetime) -> None:
        last = connection.execute(select(BatchRow.__table__).order_by(BatchRow.sequence.desc()).limit(1)).one_or_none()
        self._now = now
        self._added: list[dict[str, object]] = []
        self.sequence: int = last.sequence if last else 0
        self.head: bytes = last.head if last else ORIGIN
        self.next_number: int = last.first_record + last.records if last else 1

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
        )
        self.head = batch_head(self.head, batch)
        self._added.append(
            {
                "sequence": batch.sequence,
                "source": source,
                "file": batch.file,
                "start": batch.start,
                "stop": batch.stop,
                "consumed": batch.consumed,
                "first_record": batch.first_record,
                "records": batch.records,
                "rows": batch.rows,
                "head": self.head,
                "taken_at": self._now,
            }
        )
        self.next_number += records

    def save(self, connection: Connection) -> None:
        """Store the batches that were chained since."""
        if self._added:
            connection.execute(insert(BatchRow), self._added)
            self._added = []

    def seal(self, connection: Connection, *, source: int, file: str, rows: bytes) -> None:
        """Chain and store a batch that was read from no file."""
        self.add(source=source, file=file, rows=rows)
        self.save(connection)


def desk_source(connection: Connection, kind: SourceKind) -> int:
    """The key of the virtual source of what is booked at the desk, closes and corrections; entered once."""
    path = kind.value
    found = connection.execute(select(SourceRow.key).where(SourceRow.path == path, text(VIRTUAL))).scalar()
    if found is None:
        found = connection.execute(insert(SourceRow).values(path=path).returning(SourceRow.key)).scalar_one()
    return int(found)
