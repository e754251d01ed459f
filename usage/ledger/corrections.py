"""Corrections: what is booked about a record without changing it, as new rows that name the month it belongs to.

A record that comes after its month was closed is booked as ``late``. A correction by hand is a ``reversal`` of what
counts now and a ``replacement`` of it, in the record's month while that is open, else in the next open one. Source:
FOCUS 1.3, correction handling.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, func, insert, select

from licensing.core.errors import BadCall
from licensing.core.instants import from_milliseconds
from licensing.db.database import reading, writing
from licensing.db.lock import holding
from licensing.db.readonly import view_of
from usage.ledger.batch_log import BatchChain, desk_source
from usage.ledger.canonical import Booking, Row, rows_digest
from usage.ledger.closed_months import booking_month, last_closed_month
from usage.ledger.correction_kinds import LATE, REPLACEMENT, REVERSAL
from usage.ledger.source_kinds import SourceKind
from usage.ledger.tables.months import CorrectionRow
from usage.ledger.tables.records import RecordRow, SeriesRow
from usage.months import Month
from usage.quantity import group_digits

REASON_LENGTH = 500
Entry = tuple[str, int, int, str, int, int, str]
"""A correction to be booked: kind, booked month, month, record id, series, quantity, reason."""


@dataclass(frozen=True, slots=True)
class Corrected:
    """A record and what counts of it: as reported, now, and after a correction; in millionths of the meter's unit.

    ``month`` is the record's, ``booked_month`` the one that counts the difference.
    """

    record_id: str
    container_id: str
    meter: str
    month: Month
    booked_month: Month
    reported: int
    before: int
    after: int


def book_late(
    connection: Connection, rows: Iterable[Row], *, booked_month: Month, now: datetime, batch: int
) -> list[Booking]:
    """Book records of closed months in an open one; the records themselves are stored already."""
    entries: list[Entry] = []
    for _, identity, series, quantity, time, _, _ in rows:
        month = Month.of(from_milliseconds(time))
        reason = f"it came after {month} was closed"
        entries.append((LATE, booked_month.number, month.number, identity, series, quantity, reason))
    return enter(connection, entries, batch=batch, now=now)


def look_up(engine: Engine, record_id: str, quantity: int, *, now: datetime) -> Corrected:
    """What a correction would change. Raises ``BadCall`` for an unknown record, or a quantity that it has already."""
    with reading(engine) as connection:
        return _correction(connection, record_id, quantity, now)


def correct(engine: Engine, record_id: str, quantity: int, *, reason: str, now: datetime) -> Corrected:
    """Let a record count as ``quantity`` millionths from now on, 0 cancels it; the record itself stays as it is.

    Raises ``BadCall`` for an unknown record, a quantity that it has already, or a reason that is none.
    """
    check_reason(reason)
    with holding(engine), writing(engine) as connection:
        change = _correction(connection, record_id, quantity, now)
        series = connection.execute(select(RecordRow.series).where(RecordRow.id == record_id)).scalar_one()
        chain = BatchChain(connection, now=now)
        steps = ((REVERSAL, -change.before), (REPLACEMENT, change.after))
        place = (change.booked_month.number, change.month.number, record_id, series)
        entries = [(kind, *place, micro, reason) for kind, micro in steps if micro]
        booked = enter(connection, entries, batch=chain.sequence + 1, now=now)
        source = desk_source(connection, SourceKind.CORRECTION)
        chain.seal(connection, source=source, file=SourceKind.CORRECTION.value, rows=rows_digest([], [], booked))
    return change


def check_reason(reason: str) -> None:
    """Refuse an invalid reason. Raises ``BadCall``."""
    if not (reason.strip() and reason.isprintable() and len(reason) <= REASON_LENGTH):
        raise BadCall(
            f"a reason is a line of 1 to {REASON_LENGTH} characters",
            hint="say what happened, for whoever reads it in years: 'scanned twice after the jam of 3 March'",
        )


def _correction(connection: Connection, record_id: str, quantity: int, now: datetime) -> Corrected:
    columns = (SeriesRow.container_id, SeriesRow.meter, RecordRow.requested_at, RecordRow.quantity)
    query = select(*columns).join(SeriesRow, SeriesRow.key == RecordRow.series).where(RecordRow.id == record_id)
    found = connection.execute(query).one_or_none()
    if found is None:
        raise BadCall(f"there is no record {record_id!r} in the ledger", hint="give the id as the usage file has it")
    container, meter, time, reported = found
    before = reported + _correction_sum(connection, record_id)
    if quantity == before:
        raise BadCall(f"record {record_id} already counts {group_digits(before)}", hint="there is nothing to correct")
    month, closed = Month.of(from_milliseconds(time)), last_closed_month(view_of(connection))
    booked = month if closed is None or month > closed else booking_month(closed, now)
    return Corrected(record_id, container, meter, month, booked, reported, before, quantity)


def _correction_sum(connection: Connection, record_id: str) -> int:
    """What the corrections by hand have changed about a record so far."""
    query = select(CorrectionRow.quantity).where(CorrectionRow.record_id == record_id, CorrectionRow.kind != LATE)
    return sum(connection.execute(query).scalars())


def enter(connection: Connection, entries: Sequence[Entry], *, batch: int, now: datetime) -> list[Booking]:
    """Book corrections under the next numbers; whoever calls it seals them into the batch."""
    first = (connection.execute(select(func.max(CorrectionRow.number))).scalar() or 0) + 1
    booked: list[Booking] = [(number, *entry) for number, entry in enumerate(entries, start=first)]
    names = ("number", "kind", "booked_month", "month", "record_id", "series", "quantity", "reason")
    rows = [dict(zip(names, booking, strict=True)) | {"batch": batch, "booked_at": now} for booking in booked]
    connection.execute(insert(CorrectionRow), rows)
    return booked
