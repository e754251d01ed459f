"""Which months are closed: all up to the newest one that was, for months are closed in their order.

Read without SQLAlchemy where the ledger is a file: `azlic check` asks which months wait to be closed.
"""

from datetime import datetime
from typing import NamedTuple

from licensing.core.instants import from_milliseconds
from licensing.db.readonly import ReadOnlyConnection
from usage.months import DAY_MS, Month, day_number


class ClosedMonth(NamedTuple):
    """How a month was closed: when, by which batch and with which head, and why, though something was open.

    ``frozen`` says whether its plans are kept as they were; earlier versions kept the totals alone.
    """

    month: Month
    closed_at: datetime
    sequence: int
    head: bytes
    reason: str
    frozen: bool = True


def last_closed_month(connection: ReadOnlyConnection) -> Month | None:
    """The newest closed month; every month before it is closed with it."""
    found = connection.select(Month.from_number, "SELECT month FROM closed_month ORDER BY month DESC LIMIT 1")
    return found[0] if found else None


def booking_month(closed: Month | None, now: datetime) -> Month:
    """The open month that counts what is booked now: this one, or the first after the newest closed one."""
    this = Month.of(now)
    return this if closed is None else max(this, closed.next)


def closing_of(connection: ReadOnlyConnection, month: Month) -> ClosedMonth | None:
    """How a month was closed, by itself or with the next one that was; None while it is open."""
    found = connection.select(
        _closed_month,
        "SELECT closed_month.month, closed_month.closed_at, closed_month.batch, batch.head, closed_month.reason,"  # noqa: S608
        f" (SELECT max(month) FROM closed_month WHERE form > 1 AND month >= {month.number})"
        " FROM closed_month JOIN batch ON batch.sequence = closed_month.batch"
        f" WHERE closed_month.month >= {month.number} ORDER BY closed_month.month LIMIT 1",
    )
    return found[0] if found else None


def _closed_month(  # noqa: PLR0917 - the columns of a row
    month: int, closed_at: int, sequence: int, head: bytes, reason: str, frozen: int | None
) -> ClosedMonth:
    at = from_milliseconds(closed_at)
    return ClosedMonth(Month.from_number(month), at, sequence, bytes(head), reason, frozen is not None)


def open_months(connection: ReadOnlyConnection) -> list[Month]:
    """The open months with use, or with something booked in them, in their order."""
    closed = last_closed_month(connection)
    since = closed.next if closed else Month(1970, 1)
    days = f"SELECT DISTINCT day FROM total WHERE day >= {day_number(since.starts_at)}"  # noqa: S608 - a number of ours
    booked = f"SELECT DISTINCT booked_month FROM correction WHERE booked_month >= {since.number}"  # noqa: S608
    used = {Month.of(from_milliseconds(day * DAY_MS)) for day in connection.select(int, days)}
    return sorted(used.union(connection.select(Month.from_number, booked)))
