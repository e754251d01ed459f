"""Totals: what a series used on a day, kept with every batch."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, case, select

from licensing.db.inserts import upsert
from usage.ledger.canonical import Row
from usage.ledger.tables.records import TotalRow
from usage.months import DAY_MS

TOTAL_LIMIT = 2**62
"""A day's total of a series stays below this many millionths; a record that would pass it goes to quarantine."""


def sums_by_day(rows: Sequence[Row]) -> dict[int, dict[int, list[int]]]:
    """What each series used on each day: quantity, records, and the last one's time."""
    days: dict[int, dict[int, list[int]]] = {}
    sums: dict[int, list[int]] = {}
    day_start = day_end = 0
    for _, _, series, quantity, time, _, _ in rows:
        if not day_start <= time < day_end:
            day_start = time - time % DAY_MS
            day_end = day_start + DAY_MS
            sums = days.setdefault(day_start // DAY_MS, {})
        total = sums.get(series)
        if total is None:
            sums[series] = [quantity, 1, time]
            continue
        total[0] += quantity
        total[1] += 1
        if time > total[2]:  # noqa: PLR1730 - max() would take as long as the rest of the loop
            total[2] = time
    return days


def add_totals(connection: Connection, sums: Mapping[tuple[int, int], Sequence[int]]) -> None:
    """Add what series used on days to their totals."""
    statement = upsert(connection, TotalRow)
    added = statement.excluded
    statement = statement.on_conflict_do_update(
        index_elements=["day", "series"],
        set_={
            "quantity": TotalRow.quantity + added.quantity,
            "records": TotalRow.records + added.records,
            "last_at": case((added.last_at > TotalRow.last_at, added.last_at), else_=TotalRow.last_at),
        },
    )
    values = [
        {"day": day, "series": series, "quantity": quantity, "records": records, "last_at": last_at}
        for (day, series), (quantity, records, last_at) in sums.items()
    ]
    connection.execute(statement, values)


class Room:
    """How much the totals of days and series still hold, for blocks with very large quantities."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._totals: dict[tuple[int, int], int] = {}

    def takes(self, row: Row) -> bool:
        """Whether a record fits; if so, it is counted."""
        _, _, series, quantity, time, _, _ = row
        key = (time // DAY_MS, series)
        if key not in self._totals:
            found = select(TotalRow.quantity).where(TotalRow.day == key[0], TotalRow.series == series)
            self._totals[key] = self._connection.execute(found).scalar() or 0
        if self._totals[key] + quantity > TOTAL_LIMIT:
            return False
        self._totals[key] += quantity
        return True
