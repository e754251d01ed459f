"""The state of the ledger: what there is to be watched, in one read; and the documented usage report over all of it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from licensing.db.readonly import view_of
from usage.ledger.checkpoints import Head, ledger_head
from usage.ledger.tables.months import CorrectionRow
from usage.ledger.tables.records import SeriesRow, TotalRow
from usage.months import Month
from usage.quantity import MICRO
from usage.records.output_mount import usage_report
from usage.reporting.daily import daily_use
from usage.reporting.report import MonthlyReport, monthly_report

SERVICE = "azlic"
"""What the usage report of a whole site names as its service: it is of no single kind of container."""

Units = Mapping[tuple[str, str, str], int]
"""All that was ever used, by container type, meter and site, in millionths of the meter's unit."""


@dataclass(frozen=True, slots=True)
class LedgerState:
    """The month that runs, everything ever used, and how far the ledger has come."""

    report: MonthlyReport
    units: Units
    head: Head


def read_ledger_state(connection: Connection, *, now: datetime) -> LedgerState:
    """The state of the ledger now, from its totals; its cost does not grow with the records."""
    return LedgerState(
        monthly_report(connection, Month.of(now), as_of=now), total_units(connection), ledger_head(connection)
    )


def total_units(connection: Connection) -> Units:
    """All that was ever used, late and corrected too.

    Of the totals, whole units and millionths are summed apart: neither leaves the 64 bits of a database.
    """
    labels = (SeriesRow.container_type, SeriesRow.meter, SeriesRow.site)
    sums = func.sum(TotalRow.quantity // MICRO), func.sum(TotalRow.quantity % MICRO)
    query = select(*labels, *sums).join(SeriesRow, SeriesRow.key == TotalRow.series).group_by(*labels).order_by(*labels)
    units = Counter(
        {
            (kind, meter, site): int(whole) * MICRO + int(rest)
            for kind, meter, site, whole, rest in connection.execute(query)
        }
    )
    booked = select(*labels, CorrectionRow.quantity).join(SeriesRow, SeriesRow.key == CorrectionRow.series)
    for kind, meter, site, quantity in connection.execute(booked):
        units[kind, meter, site] += quantity
    return units


def usage_logs(connection: Connection, month: Month | None = None) -> dict[str, object]:
    """The documented body of ``/records/usage-logs/`` for everything the ledger holds, or for one month of it."""
    meters: Counter[str] = Counter()
    if month is None:
        for (_, meter, _), micro in total_units(connection).items():
            meters[meter] += micro
    else:
        for use in daily_use(view_of(connection), month.starts_at, month.next.starts_at):
            meters[use.meter] += use.quantity
    return usage_report(SERVICE, meters)
