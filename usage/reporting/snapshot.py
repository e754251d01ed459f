"""All that was ever used, and the documented usage report over it."""

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from licensing.db.readonly import ReadOnlyConnection, view_of
from usage.months import Month
from usage.quantity import MICRO
from usage.reporting.daily import daily_use

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from usage.records.output_mount import UsageReport

SERVICE = "azlic"
"""What the usage report of a whole site names as its service: it is of no single kind of container."""


class MeterTotal(NamedTuple):
    """All that a site's containers of one kind ever used of a meter, in millionths of the meter's unit."""

    container_type: str
    meter: str
    site: str
    quantity: int


def meter_totals(connection: ReadOnlyConnection) -> tuple[MeterTotal, ...]:
    """All that was ever used, late and corrected too; it falls where a correction takes use back.

    Whole units and millionths are summed apart: neither leaves the 64 bits of a database.
    """
    query = (
        "SELECT series.container_type, series.meter, series.site, used.units, used.rest FROM series JOIN ("  # noqa: S608
        f"SELECT series, sum(quantity / {MICRO}) AS units, sum(quantity - quantity / {MICRO} * {MICRO}) AS rest FROM ("
        "SELECT series, quantity FROM total UNION ALL SELECT series, quantity FROM correction"
        ") AS booked GROUP BY series) AS used ON used.series = series.key"
    )
    sums: Counter[tuple[str, str, str]] = Counter()
    for total in connection.select(_total, query):
        sums[total[:3]] += total.quantity
    return tuple(MeterTotal(*labels, sums[labels]) for labels in sorted(sums))


def _total(container_type: str, meter: str, site: str, units: int, rest: int) -> MeterTotal:
    return MeterTotal(container_type, meter, site, int(units) * MICRO + int(rest))  # PostgreSQL's sum is a Decimal


def usage_logs(connection: "Connection", month: Month | None = None) -> "UsageReport":
    """The documented body of ``/records/usage-logs/`` for everything the ledger holds, or for one month of it."""
    from usage.records.output_mount import usage_report  # noqa: PLC0415 - not needed by `azlic check`

    meters: Counter[str] = Counter()
    if month is None:
        for total in meter_totals(view_of(connection)):
            meters[total.meter] += total.quantity
    else:
        for use in daily_use(view_of(connection), month.starts_at, month.next.starts_at):
            meters[use.meter] += use.quantity
    return usage_report(SERVICE, meters)
