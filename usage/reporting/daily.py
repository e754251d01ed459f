"""Daily use: what each meter of each container used on a day, and what was booked on it later."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, select

from licensing.core.instants import from_milliseconds
from usage.ledger.corrections import LATE
from usage.ledger.tables.months import CorrectionRow
from usage.ledger.tables.records import RecordRow, SeriesRow, TotalRow
from usage.months import Month, day_number


class UseKind(StrEnum):
    """How use came to be counted: as it was reported in its time, late, or by a correction."""

    REPORTED = "reported"
    LATE = "late"
    CORRECTED = "corrected"


@dataclass(frozen=True, slots=True)
class DayUse:
    """What one meter of one container used on one day (counted from 1970-01-01), in millionths of its unit.

    Versions of a container each have theirs. What was booked late or corrected names the ``month`` that it belongs to,
    has a negative quantity where it takes use back, and ``last_at`` is when it was booked.
    """

    day: int
    site: str
    container_type: str
    container_id: str
    meter: str
    quantity: int
    records: int
    last_at: datetime
    kind: UseKind = UseKind.REPORTED
    month: Month | None = None


def bearing_day(month: Month, instant: datetime) -> int:
    """The day of a month that bears what was booked in it at an instant: that very day, or the month's nearest."""
    return min(max(day_number(instant), day_number(month.starts_at)), day_number(month.next.starts_at) - 1)


@dataclass(frozen=True, slots=True)
class Apart:
    """A part of a month's use that was booked late or corrected, and the month that it belongs to."""

    kind: UseKind
    month: Month
    quantity: int
    records: int


@dataclass(frozen=True, slots=True)
class Usage:
    """What one meter of one container used, in millionths of the meter's unit: only the days that the row is about.

    ``month`` is the reported month, ``period`` the plan's period (0 on no plan), ``year_to_date`` since 1 January.
    ``site`` is empty for this site. ``records`` are the month's. ``apart`` are the parts of ``month`` that were booked
    late or corrected.
    """

    site: str
    container_type: str
    container_id: str
    meter: str
    month: int
    period: int
    year_to_date: int
    records: int
    last_at: datetime
    apart: tuple[Apart, ...] = ()

    @property
    def reported(self) -> int:
        """The month's use that was reported in its time."""
        return self.month - sum(part.quantity for part in self.apart)

    @property
    def reported_records(self) -> int:
        """How many of the month's records were reported in its time."""
        return self.records - sum(part.records for part in self.apart)


@dataclass(frozen=True, slots=True)
class Since:
    """Where the spans of a row begin, as day numbers. ``period`` is None on no plan."""

    month: int
    year: int
    period: int | None


def usage_rows(days: Iterable[DayUse], since: Since) -> tuple[Usage, ...]:
    """The days as one row for each site, container and meter; days before all spans make no row."""
    first = min(since.month, since.year, since.year if since.period is None else since.period)
    rows: dict[tuple[str, str, str, str], list[DayUse]] = {}
    for use in days:
        if use.day >= first:
            rows.setdefault((use.site, use.container_type, use.container_id, use.meter), []).append(use)
    return tuple(_row(rows[key], since) for key in sorted(rows))


def _row(days: list[DayUse], since: Since) -> Usage:
    def sum_since(day: int) -> int:
        return sum(use.quantity for use in days if use.day >= day)

    return Usage(
        site=days[0].site,
        container_type=days[0].container_type,
        container_id=days[0].container_id,
        meter=days[0].meter,
        month=sum_since(since.month),
        period=0 if since.period is None else sum_since(since.period),
        year_to_date=sum_since(since.year),
        records=sum(use.records for use in days if use.day >= since.month),
        last_at=max(use.last_at for use in [one for one in days if one.kind is UseKind.REPORTED] or days),
        apart=_apart([use for use in days if use.day >= since.month]),
    )


def _apart(days: Sequence[DayUse]) -> tuple[Apart, ...]:
    sums: dict[tuple[Month, UseKind], list[int]] = {}
    for use in days:
        if use.month is not None:
            total = sums.setdefault((use.month, use.kind), [0, 0])
            total[0] += use.quantity
            total[1] += use.records
    return tuple(Apart(kind, month, *sums[month, kind]) for month, kind in sorted(sums))


def daily_use(connection: Connection, start: datetime, end: datetime) -> list[DayUse]:
    """All use from ``start`` up to, not including, ``end``, in the order of days; both lie at 00:00 UTC.

    What is late or corrected counts where it is booked. Nothing is summed up by the database, whose integers end at
    64 bits.
    """
    labels = (SeriesRow.site, SeriesRow.container_type, SeriesRow.container_id, SeriesRow.meter)
    query = (
        select(TotalRow.day, *labels, TotalRow.quantity, TotalRow.records, TotalRow.last_at)
        .join(SeriesRow, SeriesRow.key == TotalRow.series)
        .where(TotalRow.day >= day_number(start), TotalRow.day < day_number(end))
        .order_by(TotalRow.day, TotalRow.series)
    )
    reported = [
        DayUse(day, site, kind, container, meter, quantity, records, from_milliseconds(last_at))
        for day, site, kind, container, meter, quantity, records, last_at in connection.execute(query)
    ]
    booked = _late_and_corrected(connection, start, end)
    return sorted([*reported, *booked], key=lambda use: use.day) if booked else reported


def _late_and_corrected(connection: Connection, start: datetime, end: datetime) -> list[DayUse]:
    """What is late or corrected, on the days that bear it."""
    labels = (SeriesRow.site, SeriesRow.container_type, SeriesRow.container_id, SeriesRow.meter)
    facts = (
        CorrectionRow.number,
        CorrectionRow.kind,
        CorrectionRow.booked_month,
        CorrectionRow.booked_at,
        CorrectionRow.month,
    )
    within = CorrectionRow.booked_month.between(Month.of(start).number, Month.of(end).number)
    query = (
        select(*facts, CorrectionRow.quantity, *labels)
        .join(SeriesRow, SeriesRow.key == CorrectionRow.series)
        .where(within)
    )
    rows = list(connection.execute(query.order_by(CorrectionRow.number)))
    own = _times_in_own_month(connection, within) if any(row.booked_month == row.month for row in rows) else {}
    first, past = day_number(start), day_number(end)
    found: list[DayUse] = []
    for number, kind, booked_month, booked_at, month, quantity, site, container_type, container, meter in rows:
        day = bearing_day(Month.from_number(booked_month), own.get(number, booked_at))
        if first <= day < past:
            late = kind == LATE
            told, belongs = UseKind.LATE if late else UseKind.CORRECTED, Month.from_number(month)
            use = (day, site, container_type, container, meter, quantity, int(late), booked_at)
            found.append(DayUse(*use, kind=told, month=belongs))
    return found


def _times_in_own_month(connection: Connection, within: ColumnElement[bool]) -> dict[int, datetime]:
    """A correction that its record's own month bears counts on the record's day: by its number, the record's time."""
    query = select(CorrectionRow.number, RecordRow.requested_at).join(
        RecordRow, RecordRow.id == CorrectionRow.record_id
    )
    rows = connection.execute(query.where(within, CorrectionRow.booked_month == CorrectionRow.month))
    return {number: from_milliseconds(time) for number, time in rows}
