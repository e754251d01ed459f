"""Recompute: a month's totals proved from its rows, the records as they were stored and what was booked about them."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from licensing.core.instants import milliseconds
from usage.ledger.closed_months import closing_of
from usage.ledger.corrections import LATE, REPLACEMENT, REVERSAL
from usage.ledger.tables.months import ClosedTotal, Correction
from usage.ledger.tables.records import Record, Total
from usage.months import DAY_MS, Month, day_number
from usage.quantity import grouped

_NUMBERS_A_STEP = 100_000

Progress = Callable[[int, int], None]
Sums = dict[tuple[int, int], tuple[int, int, int]]
"""By day and series: quantity, records, the last one's time."""


@dataclass(frozen=True, slots=True)
class Recomputed:
    """What a month was added up from again; ``difference`` is the first that was found to the ledger's own numbers."""

    month: Month
    records: int
    corrections: int
    difference: str | None


def recompute(connection: Connection, month: Month, *, progress: Progress | None = None) -> Recomputed:
    """Add a month up again from its rows and hold it against its totals.

    1. The records of the month, day by day and series by series, are its daily totals; those that came late are not.
    2. What is booked in the month follows from the records it names, one correction after the other.
    3. Where the month is closed, its closed totals are those of its days and of what is booked in it.

    ``progress`` hears the records looked at and how many there are. It reads all records: minutes for ten millions.
    """
    late = _late_of(connection, month)
    added, records = _add_up(connection, month, late, progress or (lambda _done, _total: None))
    booked = list(connection.execute(_corrections().where(Correction.booked_month == month.number)))
    steps = (
        _of_days(connection, month, added),
        _of_late(connection, month, late),
        _of_corrections(connection, month),
        _of_closed(connection, month, added, booked),
    )
    first = next((difference for step in steps for difference in step), None)
    return Recomputed(month, records, len(booked), first)


def _corrections() -> Any:
    columns = (Correction.number, Correction.kind, Correction.record_id, Correction.series, Correction.quantity)
    return select(*columns).order_by(Correction.number)


def _late_of(connection: Connection, month: Month) -> dict[str, Any]:
    """The records of the month that came after it was closed, as they were booked."""
    query = _corrections().where(Correction.month == month.number, Correction.kind == LATE)
    return {row.record_id: row for row in connection.execute(query)}


def _add_up(connection: Connection, month: Month, late: dict[str, Any], progress: Progress) -> tuple[Sums, int]:
    """The month's sums by day and series, from every record of it that did not come late; and how many there are."""
    start, end = milliseconds(month.starts_at), milliseconds(month.next.starts_at)
    last = connection.execute(select(func.max(Record.number))).scalar() or 0
    sums: Sums = {}
    count = 0
    for first in range(1, last + 1, _NUMBERS_A_STEP):
        query = select(Record.id, Record.series, Record.quantity, Record.requested_at).where(
            Record.number.between(first, first + _NUMBERS_A_STEP - 1),
            Record.requested_at >= start,
            Record.requested_at < end,
        )
        for identity, series, quantity, time in connection.execute(query):
            count += 1
            if identity not in late:
                key = time // DAY_MS, series
                sum_, number, newest = sums.get(key, (0, 0, 0))
                sums[key] = sum_ + quantity, number + 1, max(newest, time)
        progress(min(last, first + _NUMBERS_A_STEP - 1), last)
    return sums, count


def _of_days(connection: Connection, month: Month, added: Sums) -> Iterator[str]:
    first, past = day_number(month.starts_at), day_number(month.next.starts_at)
    query = select(Total.day, Total.series, Total.quantity, Total.records, Total.last_at)
    kept: Sums = {
        (day, series): (quantity, records, last_at)
        for day, series, quantity, records, last_at in connection.execute(
            query.where(Total.day >= first, Total.day < past)
        )
    }
    for day, series in sorted({*kept, *added}):
        ours, theirs = added.get((day, series), (0, 0, 0)), kept.get((day, series), (0, 0, 0))
        if ours != theirs:
            yield (
                f"{month}-{day - first + 1:02}, series {series}: the records make {_told(ours)},"
                f" the total says {_told(theirs)}"
            )


def _told(total: tuple[int, int, int]) -> str:
    return f"{grouped(total[0])} in {total[1]:,} (last at {total[2]})"


def _of_late(connection: Connection, month: Month, late: dict[str, Any]) -> Iterator[str]:
    """Late records are booked with the quantity that they report."""
    for identity, row in late.items():
        found = connection.execute(select(Record.series, Record.quantity).where(Record.id == identity)).one_or_none()
        if found is None or tuple(found) != (row.series, row.quantity):
            yield f"late record {identity} of {month} is booked with {grouped(row.quantity)}, which it does not report"


def _of_corrections(connection: Connection, month: Month) -> Iterator[str]:
    """A reversal takes back exactly what counted before it; nothing is replaced that was not taken back."""
    touched = select(Correction.record_id).where(
        Correction.booked_month == month.number, Correction.kind.in_((REVERSAL, REPLACEMENT))
    )
    history: dict[str, list[Any]] = defaultdict(list)
    query = _corrections().where(Correction.record_id.in_(touched), Correction.kind.in_((REVERSAL, REPLACEMENT)))
    for row in connection.execute(query):
        history[row.record_id].append(row)
    for identity, rows in history.items():
        found = connection.execute(select(Record.series, Record.quantity).where(Record.id == identity)).one_or_none()
        counts = None if found is None else found.quantity
        for row in rows:
            if counts is None or row.quantity != (-counts if row.kind == REVERSAL else abs(row.quantity)):
                yield f"correction {row.number} of record {identity} does not follow from what counted before it"
                break
            if row.kind == REPLACEMENT and counts != 0:
                yield f"correction {row.number} of record {identity} replaces what was not taken back"
                break
            counts += row.quantity


def _of_closed(connection: Connection, month: Month, added: Sums, booked: list[Any]) -> Iterator[str]:
    closed = closing_of(connection, month)
    if closed is None or closed.month != month:
        return
    sums: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for (_, series), (quantity, records, _) in added.items():
        sums[series][0] += quantity
        sums[series][1] += records
    for row in booked:
        sums[row.series][0] += row.quantity
        sums[row.series][1] += row.kind == LATE
    query = select(ClosedTotal.series, ClosedTotal.quantity, ClosedTotal.records)
    kept = {row[0]: [row[1], row[2]] for row in connection.execute(query.where(ClosedTotal.month == month.number))}
    for series in sorted({*sums, *kept}):
        ours, theirs = sums.get(series, [0, 0]), kept.get(series, [0, 0])
        if ours != theirs:
            yield (
                f"{month}, series {series}: the rows make {grouped(ours[0])} in {ours[1]:,} records,"
                f" it was closed with {grouped(theirs[0])} in {theirs[1]:,}"
            )
