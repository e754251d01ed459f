"""The days of use, read from the ledger: its totals, and what was booked late or corrected."""

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, select

from licensing.instants import from_milliseconds
from usage.close_tables import Correction
from usage.corrections import LATE
from usage.daily import DayUse, Kind, bearing_day
from usage.months import Month, day_number
from usage.tables import Record, Series, Total


def daily_use(connection: Connection, start: datetime, end: datetime) -> list[DayUse]:
    """All use from ``start`` up to, not including, ``end``, in the order of days; both lie at 00:00 UTC.

    What is late or corrected counts where it is booked. Nothing is summed up by the database, whose integers end at
    64 bits.
    """
    labels = (Series.site, Series.container_type, Series.container_id, Series.meter)
    query = (
        select(Total.day, *labels, Total.quantity, Total.records, Total.last_at)
        .join(Series, Series.key == Total.series)
        .where(Total.day >= day_number(start), Total.day < day_number(end))
        .order_by(Total.day, Total.series)
    )
    reported = [
        DayUse(day, site, kind, container, meter, quantity, records, from_milliseconds(last_at))
        for day, site, kind, container, meter, quantity, records, last_at in connection.execute(query)
    ]
    booked = _booked(connection, start, end)
    return sorted([*reported, *booked], key=lambda use: use.day) if booked else reported


def _booked(connection: Connection, start: datetime, end: datetime) -> list[DayUse]:
    """What is late or corrected, on the days that bear it."""
    labels = (Series.site, Series.container_type, Series.container_id, Series.meter)
    facts = (Correction.number, Correction.kind, Correction.booked_month, Correction.booked_at, Correction.month)
    within = Correction.booked_month.between(Month.of(start).number, Month.of(end).number)
    query = select(*facts, Correction.quantity, *labels).join(Series, Series.key == Correction.series).where(within)
    rows = list(connection.execute(query.order_by(Correction.number)))
    own = _times_in_own_month(connection, within) if any(row.booked_month == row.month for row in rows) else {}
    first, past = day_number(start), day_number(end)
    found: list[DayUse] = []
    for number, kind, booked_month, booked_at, month, quantity, site, container_type, container, meter in rows:
        day = bearing_day(Month.from_number(booked_month), own.get(number, booked_at))
        if first <= day < past:
            late = kind == LATE
            told, belongs = Kind.LATE if late else Kind.CORRECTED, Month.from_number(month)
            use = (day, site, container_type, container, meter, quantity, int(late), booked_at)
            found.append(DayUse(*use, kind=told, month=belongs))
    return found


def _times_in_own_month(connection: Connection, within: ColumnElement[bool]) -> dict[int, datetime]:
    """A correction that its record's own month bears counts on the record's day: by its number, the record's time."""
    query = select(Correction.number, Record.requested_at).join(Record, Record.id == Correction.record_id)
    rows = connection.execute(query.where(within, Correction.booked_month == Correction.month))
    return {number: from_milliseconds(time) for number, time in rows}
