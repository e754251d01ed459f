"""Daily use: what each meter of each container used on a day, from the totals."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from licensing.instants import from_milliseconds
from usage.months import day_number

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class DayUse:
    """What one meter of one container used on one day (counted from 1970-01-01), in millionths of its unit.

    Versions of a container each have theirs.
    """

    day: int
    site: str
    container_type: str
    container_id: str
    meter: str
    quantity: int
    records: int
    last_at: datetime


def daily_use(connection: "Connection", start: datetime, end: datetime) -> list[DayUse]:
    """All use from ``start`` up to, not including, ``end``, in the order of days; both lie at 00:00 UTC.

    Nothing is summed up by the database, whose integers end at 64 bits.
    """
    from sqlalchemy import select  # noqa: PLC0415 - `azlic check` judges days without it (docs/adr/0010)

    from usage.tables import Series, Total  # noqa: PLC0415

    labels = (Series.site, Series.container_type, Series.container_id, Series.meter)
    query = (
        select(Total.day, *labels, Total.quantity, Total.records, Total.last_at)
        .join(Series, Series.key == Total.series)
        .where(Total.day >= day_number(start), Total.day < day_number(end))
        .order_by(Total.day, Total.series)
    )
    return [
        DayUse(day, site, kind, container, meter, quantity, records, from_milliseconds(last_at))
        for day, site, kind, container, meter, quantity, records, last_at in connection.execute(query)
    ]


@dataclass(frozen=True, slots=True)
class Usage:
    """What one meter of one container used, in millionths of the meter's unit: only the days that the row is about.

    ``month`` is the reported month, ``period`` the plan's period (0 on no plan), ``year_to_date`` since 1 January.
    ``site`` is empty for this site. ``records`` are the month's.
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
        last_at=max(use.last_at for use in days),
    )
