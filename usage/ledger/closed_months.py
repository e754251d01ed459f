"""Which months are closed: all up to the newest one that was, for months are closed in their order."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from usage.ledger.tables.months import ClosedMonthRow
from usage.ledger.tables.records import BatchRow
from usage.months import Month


@dataclass(frozen=True, slots=True)
class ClosedMonth:
    """How a month was closed: when, by which batch and with which head, and why, though something was open."""

    month: Month
    closed_at: datetime
    sequence: int
    head: bytes
    reason: str


def last_closed_month(connection: Connection) -> Month | None:
    """The newest closed month; every month before it is closed with it."""
    number = connection.execute(select(func.max(ClosedMonthRow.month))).scalar()
    return None if number is None else Month.from_number(number)


def booking_month(closed: Month | None, now: datetime) -> Month:
    """The open month that bears what is booked now: this one, or the first after the newest closed one."""
    this = Month.of(now)
    return this if closed is None else max(this, closed.next)


def closing_of(connection: Connection, month: Month) -> ClosedMonth | None:
    """How a month was closed, by itself or with the next one that was; None while it is open."""
    columns = (
        ClosedMonthRow.month,
        ClosedMonthRow.closed_at,
        ClosedMonthRow.batch,
        BatchRow.head,
        ClosedMonthRow.reason,
    )
    query = select(*columns).join(BatchRow, BatchRow.sequence == ClosedMonthRow.batch)
    found = connection.execute(
        query.where(ClosedMonthRow.month >= month.number).order_by(ClosedMonthRow.month).limit(1)
    ).one_or_none()
    return None if found is None else ClosedMonth(Month.from_number(found[0]), *found[1:])
