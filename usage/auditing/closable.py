"""What a closing is to freeze, proved from the records: a month that differs must not be closed."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import groupby

from sqlalchemy import ColumnElement, Connection, exists, func, select

from licensing.core.instants import from_milliseconds, iso, milliseconds
from licensing.core.text import counted
from licensing.db.readonly import view_of
from usage.auditing.recomputation import booked_rows, differences_to_closing, recompute
from usage.ledger.closed_months import ClosedMonth, closing_of, last_closed_month
from usage.ledger.correction_kinds import LATE
from usage.ledger.counted_ahead import AHEAD
from usage.ledger.tables.months import ClosedMonthRow, CorrectionRow
from usage.ledger.tables.records import BatchRow, RecordRow, TotalRow
from usage.months import DAY_MS, Month, day_number


def differences_before_closing(connection: Connection, month: Month) -> Iterator[str]:
    """How an open month, and what is frozen with it, differs from the records; nothing where it may be closed.

    1. The month is what its records make, and what is booked in it follows from them (``recompute``).
    2. No record is of an open month before it: it would be closed with this one, and counted in none.
    3. Each record that came for a closed month since the last closing is booked as late.
    4. The days of every closed month are what it was closed with: periods of plans are added up from them.

    It reads the records that were taken since the month began, or since the last closing. Only where those make
    another sum are all read, for one may have been taken long before the day it is dated.
    """
    if recompute(connection, month, taken_since=month.starts_at - AHEAD).difference is not None:
        difference = recompute(connection, month).difference
        if difference is not None:
            yield difference
    last = last_closed_month(view_of(connection))
    closing = closing_of(view_of(connection), last) if last else None
    yield from _before(connection, month, closing)
    yield from _unbooked(connection, closing)
    yield from _closed_months(connection)


def _before(connection: Connection, month: Month, closing: ClosedMonth | None) -> Iterator[str]:
    since = closing.month.next if closing else Month(1970, 1)
    if since < month:
        within = RecordRow.requested_at >= milliseconds(since.starts_at)
        yield from _in_no_total(connection, within & (RecordRow.requested_at < milliseconds(month.starts_at)))


def _unbooked(connection: Connection, closing: ClosedMonth | None) -> Iterator[str]:
    if closing is None:
        return
    later = select(func.min(BatchRow.first_record)).where(BatchRow.sequence > closing.sequence, BatchRow.records > 0)
    first = connection.execute(later).scalar()
    if first is not None:
        of_closed = RecordRow.requested_at < milliseconds(closing.month.next.starts_at)
        late = exists().where(CorrectionRow.record_id == RecordRow.id, CorrectionRow.kind == LATE)
        yield from _in_no_total(connection, (RecordRow.number >= first) & of_closed & ~late)


def _in_no_total(connection: Connection, which: ColumnElement[bool]) -> Iterator[str]:
    query = select(func.count(), func.min(RecordRow.requested_at)).where(which)
    number, first = connection.execute(query).one()
    if number:
        came = f"{counted(number, 'record')} from {iso(from_milliseconds(first))} on"
        yield f"{came}: in no total, and not booked as late"


def _closed_months(connection: Connection) -> Iterator[str]:
    closed = connection.execute(select(ClosedMonthRow.month).order_by(ClosedMonthRow.month)).scalars().all()
    if not closed:
        return
    end = day_number(Month.from_number(closed[-1]).next.starts_at)
    days: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    query = select(TotalRow.day, TotalRow.series, TotalRow.quantity, TotalRow.records).where(TotalRow.day < end)
    for day, rows in groupby(connection.execute(query.order_by(TotalRow.day)), key=lambda row: row[0]):
        number = Month.of(from_milliseconds(day * DAY_MS)).number
        days[number] += [(series, quantity, records) for _, series, quantity, records in rows]
    for number in sorted({*closed, *days}):
        booked = connection.execute(booked_rows().where(CorrectionRow.booked_month == number))
        yield from differences_to_closing(connection, Month.from_number(number), days[number], booked)
