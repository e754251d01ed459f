"""What a batch stored, as the very bytes that its ``rows`` digest was made from: one line of ``contents.jsonl`` each.

Who checks an export hashes the line and compares; who books it reads the line. The rules stand in
``usage.ledger.canonical``.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Annotated, Any, NamedTuple

import msgspec
from sqlalchemy import Connection, select

from licensing.core.errors import AzlicError
from licensing.core.instants import from_milliseconds, iso, milliseconds
from licensing.db.schema import row_of, rows_of
from usage.handover.errors import BadPackage, OtherForm
from usage.ledger.canonical import (
    ORIGIN,
    Booking,
    Frozen,
    Labels,
    Row,
    SealedBatch,
    batch_head,
    close_bytes,
    rows_bytes,
)
from usage.ledger.correction_kinds import KINDS, LATE
from usage.ledger.frozen import read_frozen
from usage.ledger.source_kinds import SourceKind
from usage.ledger.tables.months import ClosedMonthRow, ClosedTotalRow, CorrectionRow
from usage.ledger.tables.records import BatchRow, RecordRow, SeriesRow
from usage.months import Month
from usage.records.record import LATEST_MS

_BATCHES_A_QUERY, _RECORDS_A_QUERY = 500, 50_000
_MONTHS = 12

_Size = Annotated[int, msgspec.Meta(ge=0, le=2**62)]
_Id = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
_Time = Annotated[int, msgspec.Meta(ge=0, lt=LATEST_MS)]
_Text = Annotated[str, msgspec.Meta(max_length=4096)]
_Month = Annotated[int, msgspec.Meta(ge=197001, le=999812)]
_Series = list[tuple[int, Labels]]
_Rows = list[tuple[_Size, _Id, int, _Size, _Time, _Size | None, str | None]]
_Signed = Annotated[int, msgspec.Meta(ge=-(2**62), le=2**62)]
Corrections = list[tuple[_Size, _Id, _Month, _Month, _Id, int, _Signed, Annotated[str, msgspec.Meta(max_length=1000)]]]

_decode_two = msgspec.json.Decoder(tuple[_Series, _Rows]).decode
_decode_three = msgspec.json.Decoder(tuple[_Series, _Rows, Corrections]).decode
_Totals = list[tuple[int, _Size, _Size]]
_Periods = list[tuple[_Text, _Text, _Text]]
PlainClose = tuple[str, str, str, str, _Totals]
FrozenClose = tuple[str, str, str, str, _Totals, list[tuple[_Size, str, _Periods]], list[tuple[_Size, _Text, _Text]]]
_decode_plain_close = msgspec.json.Decoder(PlainClose).decode
_decode_frozen_close = msgspec.json.Decoder(FrozenClose).decode


class Contents(NamedTuple):
    """What a batch stored: the series it introduced, its records, its corrections."""

    series: Sequence[tuple[int, Labels]] = ()
    rows: Sequence[Row] = ()
    corrections: Sequence[Booking] = ()


class ClosingEntry(NamedTuple):
    """The month that a batch closed, with the totals it closed it at (series, quantity, records) and what it froze."""

    kind: str
    month: str
    reason: str
    closed_at: str
    totals: Sequence[tuple[int, int, int]]
    frozen: Frozen | None = None

    @property
    def fields(self) -> tuple[object, ...]:
        """The entry as it is digested."""
        return (*self[:5], *(self.frozen or ()))


def parse_close(content: bytes) -> ClosingEntry:
    """Read what a closing stored, in either form. Raises ``msgspec.DecodeError``."""
    try:
        return ClosingEntry(*_decode_plain_close(content))
    except msgspec.ValidationError:
        kind, month, reason, closed_at, totals, plans, places = _decode_frozen_close(content)
        return ClosingEntry(kind, month, reason, closed_at, totals, (plans, places))


Stored = tuple[SealedBatch, bytes, bytes, Contents | ClosingEntry]
"""A batch of an export: its fields, its head, the line of what it stored, and what that holds."""


class Link(NamedTuple):
    """A batch in its chain: its fields, its head, and what it stored as the bytes that were digested."""

    batch: SealedBatch
    head: bytes
    line: bytes


def read_contents(line: bytes, batch: SealedBatch) -> Contents | ClosingEntry:
    """What a line holds that was found to have the batch's digest. Raises ``BadPackage``."""
    try:
        if SourceKind.CLOSE.is_of(batch.file):
            return parse_close(line)
        try:
            contents = Contents(*_decode_two(line))
        except msgspec.ValidationError:
            contents = Contents(*_decode_three(line))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise OtherForm(f"what batch {batch.sequence} stored cannot be read: {error}") from error
    if len(contents.rows) != batch.records or any(
        row[0] != number for number, row in enumerate(contents.rows, batch.first_record)
    ):
        raise BadPackage(f"the records of batch {batch.sequence} are not numbered as it says")
    check_corrections(contents.corrections, f"batch {batch.sequence}")
    _check_late(contents, batch)
    return contents


def check_corrections(corrections: Iterable[Booking], where: str) -> None:
    """Corrections are of kinds and months that there are. Raises ``BadPackage``."""
    for number, kind, booked_month, month, *_ in corrections:
        if kind not in KINDS or not all(1 <= one % 100 <= _MONTHS for one in (booked_month, month)):
            raise BadPackage(f"correction {number} of {where} is of a kind or month that there is not")


def _check_late(contents: Contents, batch: SealedBatch) -> None:
    """Each record that came late is among the batch's, as its correction says."""
    stored = {row[1]: (row[2], row[3], Month.of(from_milliseconds(row[4])).number) for row in contents.rows}
    for number, kind, _, month, identity, series, quantity, _ in contents.corrections:
        if kind == LATE and stored.get(identity) != (series, quantity, month):
            raise BadPackage(f"correction {number} of batch {batch.sequence} is not the late record it stands for")


def links(
    connection: Connection,
    first: int,
    last: int,
    *,
    batches_a_query: int = _BATCHES_A_QUERY,
    records_a_query: int = _RECORDS_A_QUERY,
) -> Iterator[Link]:
    """The batches from ``first`` to ``last`` with what they stored, read from the ledger and checked against the chain.

    Raises ``AzlicError`` naming the first batch that the ledger does not hold as it was chained.
    """
    head = head_at(connection, first - 1)
    rows = rows_of(connection, BatchRow, BatchRow.sequence.between(first, last), order_by=[BatchRow.sequence])
    expected = first
    while group := _group(rows, batches_a_query, records_a_query):
        lines = _lines(connection, group)
        for row, line in zip(group, lines, strict=True):
            batch = sealed_fields(row)
            head = batch_head(head, batch) if head is not None else b""
            if row.sequence != expected or head != row.head or hashlib.sha256(line).digest() != row.rows:
                raise AzlicError(
                    f"batch {expected} of the ledger is not what was chained: it was changed outside azlic",
                    hint="go back to an earlier copy of the ledger; nothing was handed over",
                )
            expected += 1
            yield Link(batch, head, line)


def head_at(connection: Connection, size: int) -> bytes | None:
    """The ledger's head behind its first ``size`` batches; None where it has fewer."""
    if size == 0:
        return ORIGIN
    return connection.execute(select(BatchRow.head).where(BatchRow.sequence == size)).scalar()


def sealed_fields(row: BatchRow) -> SealedBatch:
    """The fields of a batch that its head binds."""
    return SealedBatch(
        sequence=row.sequence,
        file=row.file,
        start=row.start,
        stop=row.stop,
        consumed=row.consumed,
        first_record=row.first_record,
        records=row.records,
        rows=row.rows,
        source=row.source,
        taken_at=milliseconds(row.taken_at),
        entries=row.entries,
    )


def _group(rows: Iterator[BatchRow], batches_a_query: int, records_a_query: int) -> list[BatchRow]:
    """The next batches that are read together: few queries for many small ones, little memory for large ones."""
    group: list[BatchRow] = []
    records = 0
    for row in islice(rows, batches_a_query):
        group.append(row)
        records += row.records
        if records >= records_a_query:
            break
    return group


def _lines(connection: Connection, group: list[BatchRow]) -> list[bytes]:
    first, last = group[0].sequence, group[-1].sequence
    start, stop = group[0].first_record, group[-1].first_record + group[-1].records
    series = _by_batch(connection, select(*_LABELS).where(SeriesRow.batch.between(first, last)).order_by(SeriesRow.key))
    booked = select(*_BOOKED).where(CorrectionRow.batch.between(first, last)).order_by(CorrectionRow.number)
    corrections = _by_batch(connection, booked)
    query = (
        select(RecordRow.__table__).where(RecordRow.number >= start, RecordRow.number < stop).order_by(RecordRow.number)
    )
    records = iter(connection.execute(query)) if stop > start else iter(())
    return [_line(connection, row, series, records, corrections) for row in group]


_LABELS = (
    *(SeriesRow.batch, SeriesRow.key, SeriesRow.container_id, SeriesRow.meter, SeriesRow.container_version),
    *(SeriesRow.container_type, SeriesRow.api_type, SeriesRow.site),
)
_BOOKED = (
    *(CorrectionRow.batch, CorrectionRow.number, CorrectionRow.kind, CorrectionRow.booked_month, CorrectionRow.month),
    *(CorrectionRow.record_id, CorrectionRow.series, CorrectionRow.quantity, CorrectionRow.reason),
)


def _by_batch(connection: Connection, query: Any) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for batch, *fields in connection.execute(query):
        found.setdefault(batch, []).append(fields)
    return found


def _line(connection: Connection, row: BatchRow, series: Any, records: Iterator[Any], corrections: Any) -> bytes:
    if SourceKind.CLOSE.is_of(row.file):
        return _closing(connection, row.sequence)
    new = [(key, labels) for key, *labels in series.get(row.sequence, ())]
    taken = [tuple(record) for record in islice(records, row.records)]
    booked = corrections.get(row.sequence)
    return rows_bytes(new, taken, booked or ())


def _closing(connection: Connection, sequence: int) -> bytes:
    month = row_of(connection, ClosedMonthRow, ClosedMonthRow.batch == sequence)
    if month is None:
        return b""
    columns = (ClosedTotalRow.series, ClosedTotalRow.quantity, ClosedTotalRow.records)
    query = select(*columns).where(ClosedTotalRow.month == month.month).order_by(ClosedTotalRow.series)
    totals = [(series, quantity, records) for series, quantity, records in connection.execute(query)]
    frozen = read_frozen(connection, month.month) if month.form > 1 else None
    return close_bytes(str(Month.from_number(month.month)), month.reason, iso(month.closed_at), totals, frozen)
