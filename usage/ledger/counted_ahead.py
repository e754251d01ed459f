"""What counts and is dated ahead of the clock: it was taken while the clock itself stood there, and waited for nothing.

Read without SQLAlchemy where the ledger is a file, and from the daily totals: no record is looked at.
"""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import NamedTuple

from licensing.core.instants import from_milliseconds, milliseconds
from licensing.core.text import counted
from licensing.db.readonly import ReadOnlyConnection
from usage.ledger.correction_kinds import LATE
from usage.months import DAY_MS, Month, day_number
from usage.quantity import group_digits

AHEAD = timedelta(days=1)
"""A record that is dated further ahead than this waits for its day; it is no witness of time."""


class CountedAhead(NamedTuple):
    """Records of a month and meter that count and are dated ahead: number, millionths, and the first of their days."""

    month: Month
    meter: str
    records: int
    quantity: int
    starts_at: datetime

    @property
    def amount(self) -> str:
        """How much it is, of which meter."""
        return f"{group_digits(self.quantity)} of {self.meter}"

    @property
    def look(self) -> str:
        """The command that lists them."""
        return f"azlic records list --from {self.starts_at:%Y-%m-%d}"

    @property
    def words(self) -> str:
        """What is dated when."""
        verb = "is" if self.records == 1 else "are"
        return f"{counted(self.records, 'record')}, {self.amount}, {verb} dated {self.month}, ahead of the clock"


def read_counted_ahead(connection: ReadOnlyConnection, now: datetime) -> tuple[CountedAhead, ...]:
    """What is dated more than a day ahead of ``now`` and counts there; what was corrected to 0 does not."""
    horizon = now + AHEAD
    days = (
        "SELECT total.day, series.meter, total.records, total.quantity FROM total"  # noqa: S608 - numbers of ours
        f" JOIN series ON series.key = total.series WHERE total.day >= {day_number(horizon)}"
        f" AND total.last_at > {milliseconds(horizon)} ORDER BY total.day"
    )
    sums: dict[tuple[Month, str], list[int]] = {}
    first: dict[tuple[Month, str], int] = {}
    for day, meter, records, quantity in connection.select(_day, days):
        key = Month.of(from_milliseconds(day * DAY_MS)), meter
        first.setdefault(key, day)
        known = sums.setdefault(key, [0, 0])
        known[0] += records
        known[1] += quantity
    if not sums:
        return ()
    for key, changed in _corrected(connection, horizon).items():
        if key in sums:
            sums[key][0] -= changed[0]
            sums[key][1] += changed[1]
    return tuple(
        CountedAhead(*key, records, quantity, from_milliseconds(first[key] * DAY_MS))
        for key, (records, quantity) in sorted(sums.items())
        if quantity
    )


def _corrected(connection: ReadOnlyConnection, horizon: datetime) -> dict[tuple[Month, str], list[int]]:
    """By month and meter, how many records were corrected to 0, and what all corrections change."""
    query = (
        "SELECT correction.month, series.meter, record.quantity, sum(correction.quantity) FROM correction"  # noqa: S608
        " JOIN record ON record.id = correction.record_id JOIN series ON series.key = record.series"
        f" WHERE correction.kind <> '{LATE}' AND correction.booked_month >= {Month.of(horizon).number}"
        f" AND correction.booked_month = correction.month AND record.requested_at >= {milliseconds(horizon)}"
        " GROUP BY correction.record_id, correction.month, series.meter, record.quantity"
    )
    found: dict[tuple[Month, str], list[int]] = defaultdict(lambda: [0, 0])
    for month, meter, quantity, change in connection.select(_change, query):
        known = found[Month.from_number(month), meter]
        known[0] += quantity + change == 0
        known[1] += change
    return found


def _day(day: int, meter: str, records: int, quantity: int) -> tuple[int, str, int, int]:
    return day, meter, records, quantity


def _change(month: int, meter: str, quantity: int, change: int) -> tuple[int, str, int, int]:
    return month, meter, quantity, int(change)  # PostgreSQL's sum is a Decimal
