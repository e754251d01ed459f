"""Daily use: what each meter of each container used on a day, and what was booked on it later."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from licensing.core.instants import from_milliseconds
from licensing.db.readonly import ReadOnlyConnection
from usage.ledger.correction_kinds import LATE
from usage.months import Month, day_number


class UseKind(StrEnum):
    """How use came to be counted: as it was reported in its time, late, or by a correction."""

    REPORTED = "reported"
    LATE = "late"
    CORRECTED = "corrected"


class DayUse(NamedTuple):
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
    """The day of a month that counts what was booked in it at an instant: that very day, or the month's nearest."""
    return min(max(day_number(instant), day_number(month.starts_at)), day_number(month.next.starts_at) - 1)


class Apart(NamedTuple):
    """A part of a month's use that was booked late or corrected, and the month that it belongs to."""

    kind: UseKind
    month: Month
    quantity: int
    records: int


class Usage(NamedTuple):
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


class Since(NamedTuple):
    """Where the spans of a row begin, as day numbers. ``period`` is None on no plan."""

    month: int
    year: int
    period: int | None

    @property
    def first(self) -> int:
        """Where the earliest of them begins."""
        return min(self.month, self.year, self.year if self.period is None else self.period)


def usage_rows(days: Iterable[DayUse], since: Since) -> tuple[Usage, ...]:
    """The days as one row for each site, container and meter; days before all spans make no row."""
    rows: dict[tuple[str, str, str, str], list[DayUse]] = {}
    for use in days:
        if use.day >= since.first:
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


_LABELS = "series.site, series.container_type, series.container_id, series.meter"


def daily_use(connection: ReadOnlyConnection, start: datetime, end: datetime) -> list[DayUse]:
    """All use from ``start`` up to, not including, ``end``, in the order of days; both lie at 00:00 UTC.

    What is late or corrected counts where it is booked. Nothing is summed up by the database, whose integers end at
    64 bits.
    """
    reported = connection.select(
        _reported,
        f"SELECT total.day, {_LABELS}, total.quantity, total.records, total.last_at"  # noqa: S608 - numbers of ours
        " FROM total JOIN series ON series.key = total.series"
        f" WHERE total.day >= {day_number(start)} AND total.day < {day_number(end)} ORDER BY total.day, total.series",
    )
    booked = _late_and_corrected(connection, start, end)
    return sorted([*reported, *booked], key=lambda use: use.day) if booked else reported


def _reported(  # noqa: PLR0917 - the columns of a row
    day: int, site: str, container_type: str, container_id: str, meter: str, quantity: int, records: int, last_at: int
) -> DayUse:
    return DayUse(day, site, container_type, container_id, meter, quantity, records, from_milliseconds(last_at))


def _late_and_corrected(connection: ReadOnlyConnection, start: datetime, end: datetime) -> list[DayUse]:
    """What is late or corrected, on the days that count it: the record's own day, where its own month counts it."""
    within = f"correction.booked_month BETWEEN {Month.of(start).number} AND {Month.of(end).number}"
    rows = connection.select(
        _BookedRow,
        "SELECT correction.number, correction.kind, correction.month, correction.booked_month, correction.quantity,"  # noqa: S608
        f" correction.booked_at, {_LABELS} FROM correction JOIN series ON series.key = correction.series"
        f" WHERE {within} ORDER BY correction.number",
    )
    own: dict[int, int] = {}
    if any(row.month == row.booked_month for row in rows):
        query = (
            "SELECT correction.number, record.requested_at FROM correction"  # noqa: S608
            " JOIN record ON record.id = correction.record_id"
            f" WHERE {within} AND correction.booked_month = correction.month"
        )
        own = dict(connection.select(_pair, query))
    found = [_booked(row, own.get(row.number, row.booked_at)) for row in rows]
    return [use for use in found if day_number(start) <= use.day < day_number(end)]


def _pair(number: int, at: int) -> tuple[int, int]:
    return number, at


class _BookedRow(NamedTuple):
    number: int
    kind: str
    month: int
    booked_month: int
    quantity: int
    booked_at: int
    site: str
    container_type: str
    container_id: str
    meter: str


def _booked(row: _BookedRow, at: int) -> DayUse:
    late = row.kind == LATE
    return DayUse(
        day=bearing_day(Month.from_number(row.booked_month), from_milliseconds(at)),
        site=row.site,
        container_type=row.container_type,
        container_id=row.container_id,
        meter=row.meter,
        quantity=row.quantity,
        records=int(late),
        last_at=from_milliseconds(row.booked_at),
        kind=UseKind.LATE if late else UseKind.CORRECTED,
        month=Month.from_number(row.month),
    )
