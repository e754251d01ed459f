"""The end of an audit: what stands beside the batches has to follow from them, and nothing may stand behind them."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection

from licensing.core.text import printable
from licensing.db.sqlite_types import UNEXPECTED
from usage.auditing.commitments import check_commitments
from usage.auditing.derived import check_derived
from usage.auditing.faults import AuditCheck, day_text, month_text
from usage.auditing.months import read_closed_totals
from usage.auditing.rows import Unreadable, fetch
from usage.auditing.schema import check_schema
from usage.auditing.storage import check_types
from usage.auditing.walk import Sums, Walk
from usage.months import Month, day_number
from usage.quantity import group_digits

_TABLES_OF_BATCHES = {"record": "number", "series": "key", "correction": "number"}


def check_rest(connection: Connection, walk: Walk) -> None:
    """Checks 4 to 6, 8 and 11 to 13, in one view of the ledger, once the walk has seen its last batch."""
    faults = walk.faults
    checks: Sequence[Callable[[], None]] = (
        *(
            partial(check, connection, walk)
            for check in (_check_totals, _check_months, check_commitments, _check_outside)
        ),
        *(
            partial(check, connection, faults)
            for check in (check_schema, check_types, walk.entries.check, check_derived)
        ),
    )
    for check in checks:
        try:
            check()
        except Unreadable as error:
            faults.add(AuditCheck.OUTSIDE, "the database", f"it is damaged: {error}")
        except UNEXPECTED as error:
            what = f"a check could not be made, as a value is not what it should be: {printable(str(error))[:200]}"
            faults.add(AuditCheck.OUTSIDE, "the ledger", what)


def _check_totals(connection: Connection, walk: Walk) -> None:
    """4: each day's total is the sum of its records, and no total is without them."""
    kept: Sums = {}
    for day, series, *total in fetch(connection, 'SELECT "day", "series", "quantity", "records", "last_at" FROM total'):
        kept.setdefault(day, {})[series] = total
    for day in sorted({*kept, *walk.sums}, key=str):
        stored, summed = kept.get(day, {}), walk.sums.get(day, {})
        if stored == summed:
            continue
        for series in sorted({*stored, *summed}, key=str):
            _compare(walk, f"{day_text(day)}, series {printable(series)}", stored.get(series), summed.get(series))


def _compare(walk: Walk, where: str, stored: list[Any] | None, summed: list[Any] | None) -> None:
    if stored == summed:
        return
    if summed is None:
        walk.faults.add(AuditCheck.TOTALS, where, "there is a total without records")
    elif stored is None:
        walk.faults.add(AuditCheck.TOTALS, where, "there are records without a total")
    else:
        what = f"the total is {_total_text(stored)}, and its records are {_total_text(summed)}"
        walk.faults.add(AuditCheck.TOTALS, where, what)


def _total_text(total: list[Any]) -> str:
    quantity, records, last = total
    amount = group_digits(quantity) if isinstance(quantity, int) else printable(quantity)
    return f"{amount} in {printable(records)} records up to {printable(last)}"


def _check_months(connection: Connection, walk: Walk) -> None:
    """5: what is closed was closed by a batch, and held then what the days of the month hold still."""
    for month, batch in fetch(connection, 'SELECT "month", "batch" FROM closed_month ORDER BY "month"'):
        if month not in walk.months:
            walk.faults.add(
                AuditCheck.MONTHS,
                month_text(month),
                f"it is marked as closed by batch {printable(batch)}, which did not",
            )
    for (month,) in fetch(connection, 'SELECT DISTINCT "month" FROM closed_total ORDER BY "month"'):
        if month not in walk.months:
            walk.faults.add(AuditCheck.MONTHS, month_text(month), "it has closed totals, and no batch closed it")
    for month in sorted(walk.months):
        closed = {series: [quantity, records] for series, quantity, records in read_closed_totals(connection, month)}
        days = _of_month(walk, month)
        for series in sorted({*closed, *days}, key=str):
            if closed.get(series) != days.get(series):
                what = (
                    f"the closed total of series {printable(series)} is not the sum of the month's records and bookings"
                )
                walk.faults.add(AuditCheck.MONTHS, month_text(month), what)


def _of_month(walk: Walk, number: int) -> dict[int, list[int]]:
    """Quantity and records of each series in a month: its days, and what is booked in it about other months."""
    found = {series: list(total) for series, total in walk.booked.get(number, {}).items()}
    try:
        month = Month.from_number(number)
    except ValueError:
        return found
    for day in range(day_number(month.starts_at), day_number(month.next.starts_at)):
        for series, (quantity, records, _) in walk.sums.get(day, {}).items():
            before = found.get(series, [0, 0])
            found[series] = [before[0] + quantity, before[1] + records]
    return found


def _check_outside(connection: Connection, walk: Walk) -> None:
    """6: no record, series or correction that no batch took."""
    stop = walk.next_number
    beyond = 'SELECT min("number"), max("number"), count(*) FROM record'
    for part, what in ((f'"number" >= {stop:d}', "after the last batch"), ('"number" < 1', "before the first batch")):
        low, high, count = fetch(connection, f"{beyond} WHERE {part}")[0]
        if count:
            where = f"record {low}" if count == 1 else f"records {low} to {high}"
            walk.faults.add(AuditCheck.OUTSIDE, where, f"{count:,} {what}: no batch took them")
    for (key,) in fetch(connection, 'SELECT "key" FROM series ORDER BY "key"'):
        if key not in walk.series:
            walk.faults.add(AuditCheck.OUTSIDE, f"series {printable(key)}", "no batch introduced it")
    count = fetch(connection, "SELECT count(*) FROM correction")[0][0]
    if count != walk.corrections:
        what = f"{count - walk.corrections:,} of them belong to no batch"
        walk.faults.add(AuditCheck.OUTSIDE, "corrections", what)
