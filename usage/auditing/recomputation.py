"""Recompute: a month's totals proved from its rows, the records as they were stored and what was booked about them.

A second computation on purpose: it adds up in its own way what ingest and close added up in theirs.
"""

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, Select, func, or_, select

from licensing.core.instants import milliseconds
from licensing.db.readonly import view_of
from usage.ledger.closed_months import closing_of
from usage.ledger.correction_kinds import LATE, REPLACEMENT, REVERSAL
from usage.ledger.counts import Booked, Counts, count
from usage.ledger.tables.months import ClosedTotalRow, CorrectionRow
from usage.ledger.tables.records import BatchRow, RecordRow, SeriesRow, TotalRow
from usage.months import DAY_MS, Month, day_number
from usage.quantity import group_digits

_NUMBERS_A_STEP = 100_000

Progress = Callable[[int, int], None]
Sums = dict[tuple[int, int], tuple[int, int, int]]
"""By day and series: quantity, records, the last one's time."""


@dataclass(frozen=True, slots=True)
class Recomputed:
    """What a month was added up from again, by meter; ``difference`` is the first to the ledger's own numbers."""

    month: Month
    counts: Mapping[str, Counts]
    difference: str | None


def recompute(
    connection: Connection, month: Month, *, progress: Progress | None = None, taken_since: datetime | None = None
) -> Recomputed:
    """Add a month up again from its rows and hold it against its totals.

    1. The records of the month, day by day and series by series, are its daily totals; those that came late are not.
    2. What is booked of the month, or in it, follows from the records it names, one correction after the other.
    3. Where the month is closed, its closed totals are those of its days and of what is booked in it.

    ``progress`` receives the records looked at and how many there are. It reads all records, minutes for ten millions,
    or those taken since an instant: of a sound ledger that is enough for a month that began a day after it.
    """
    late = _late_of(connection, month)
    stretches = _stretches(connection, taken_since)
    added = _add_up(connection, month, late.keys(), stretches, progress or (lambda _done, _total: None))
    booked = list(connection.execute(booked_rows().where(CorrectionRow.booked_month == month.number)))
    steps = (
        _of_days(connection, month, added),
        _of_late(connection, month),
        _of_corrections(connection, month),
        _closed_differences(connection, month, added, booked),
    )
    first = next((difference for step in steps for difference in step), None)
    return Recomputed(month, _counts(connection, added, booked), first)


def _counts(connection: Connection, added: Sums, booked: list["_Booked"]) -> dict[str, Counts]:
    meters = {row.key: row.meter for row in connection.execute(select(SeriesRow.key, SeriesRow.meter))}
    return count(
        ((meters[series], quantity, records) for (_, series), (quantity, records, _) in added.items()),
        (Booked(row.kind, row.record_id, meters[row.series], row.quantity, row.reason, row.batch) for row in booked),
    )


_Booked = Row[int, str, str, int, int, str, int, int]
"""A correction: its number, kind, record, series, quantity, reason, batch and the month it is about."""


def booked_rows() -> Select[int, str, str, int, int, str, int, int]:
    columns = (
        CorrectionRow.number,
        CorrectionRow.kind,
        CorrectionRow.record_id,
        CorrectionRow.series,
        CorrectionRow.quantity,
        CorrectionRow.reason,
        CorrectionRow.batch,
        CorrectionRow.month,
    )
    return select(*columns).order_by(CorrectionRow.number)


def _late_of(connection: Connection, month: Month) -> dict[str, _Booked]:
    """The records of the month that came after it was closed, as they were booked."""
    query = booked_rows().where(CorrectionRow.month == month.number, CorrectionRow.kind == LATE)
    return {row.record_id: row for row in connection.execute(query)}


def _stretches(connection: Connection, since: datetime | None) -> list[tuple[int, int]]:
    """The first and the last number of each stretch of records that is to be read."""
    if since is None:
        return [(1, connection.execute(select(func.max(RecordRow.number))).scalar() or 0)]
    found: list[tuple[int, int]] = []
    batches = select(BatchRow.first_record, BatchRow.records).where(BatchRow.records > 0, BatchRow.taken_at >= since)
    for first, records in connection.execute(batches.order_by(BatchRow.first_record)):
        start = found.pop()[0] if found and found[-1][1] == first - 1 else first
        found.append((start, first + records - 1))
    return found


def _add_up(
    connection: Connection, month: Month, late: Container[str], stretches: list[tuple[int, int]], progress: Progress
) -> Sums:
    """The month's sums by day and series, from every record of it in the stretches that did not come late."""
    start, end = milliseconds(month.starts_at), milliseconds(month.next.starts_at)
    sums: Sums = {}
    done, total = 0, sum(last - first + 1 for first, last in stretches)
    steps = (
        (step, min(last, step + _NUMBERS_A_STEP - 1))
        for first, last in stretches
        for step in range(first, last + 1, _NUMBERS_A_STEP)
    )
    for first, last in steps:
        query = select(RecordRow.id, RecordRow.series, RecordRow.quantity, RecordRow.requested_at).where(
            RecordRow.number.between(first, last), RecordRow.requested_at >= start, RecordRow.requested_at < end
        )
        for identity, series, quantity, time in connection.execute(query):
            if identity not in late:
                key = time // DAY_MS, series
                sum_, number, newest = sums.get(key, (0, 0, 0))
                sums[key] = sum_ + quantity, number + 1, max(newest, time)
        done += last - first + 1
        progress(done, total)
    return sums


def _of_days(connection: Connection, month: Month, added: Sums) -> Iterator[str]:
    first, past = day_number(month.starts_at), day_number(month.next.starts_at)
    query = select(TotalRow.day, TotalRow.series, TotalRow.quantity, TotalRow.records, TotalRow.last_at)
    kept: Sums = {
        (day, series): (quantity, records, last_at)
        for day, series, quantity, records, last_at in connection.execute(
            query.where(TotalRow.day >= first, TotalRow.day < past)
        )
    }
    for day, series in sorted({*kept, *added}):
        ours, theirs = added.get((day, series), (0, 0, 0)), kept.get((day, series), (0, 0, 0))
        if ours != theirs:
            yield (
                f"{month}-{day - first + 1:02}, series {series}: the records make {_total_text(ours)},"
                f" the total says {_total_text(theirs)}"
            )


def _total_text(total: tuple[int, int, int]) -> str:
    return f"{group_digits(total[0])} in {total[1]:,} (last at {total[2]})"


def _of_late(connection: Connection, month: Month) -> Iterator[str]:
    """Late records, of the month and booked in it, are booked with the quantity that they report."""
    concerned = or_(CorrectionRow.month == month.number, CorrectionRow.booked_month == month.number)
    reported = select(RecordRow.series, RecordRow.quantity)
    for row in connection.execute(booked_rows().where(CorrectionRow.kind == LATE, concerned)).all():
        found = connection.execute(reported.where(RecordRow.id == row.record_id)).one_or_none()
        if found is None or tuple(found) != (row.series, row.quantity):
            booked = group_digits(row.quantity)
            of = Month.from_number(row.month)
            yield f"late record {row.record_id} of {of} is booked with {booked}, which it does not report"


def _of_corrections(connection: Connection, month: Month) -> Iterator[str]:
    """A reversal takes back exactly what counted before it; nothing is replaced that was not taken back."""
    touched = select(CorrectionRow.record_id).where(
        CorrectionRow.booked_month == month.number, CorrectionRow.kind.in_((REVERSAL, REPLACEMENT))
    )
    history: dict[str, list[_Booked]] = defaultdict(list)
    query = booked_rows().where(CorrectionRow.record_id.in_(touched), CorrectionRow.kind.in_((REVERSAL, REPLACEMENT)))
    for row in connection.execute(query):
        history[row.record_id].append(row)
    for identity, rows in history.items():
        found = connection.execute(
            select(RecordRow.series, RecordRow.quantity).where(RecordRow.id == identity)
        ).one_or_none()
        counts = None if found is None else found.quantity
        for row in rows:
            if counts is None or row.quantity != (-counts if row.kind == REVERSAL else abs(row.quantity)):
                yield f"correction {row.number} of record {identity} does not follow from what counted before it"
                break
            if row.kind == REPLACEMENT and counts != 0:
                yield f"correction {row.number} of record {identity} replaces what was not taken back"
                break
            counts += row.quantity


def _closed_differences(connection: Connection, month: Month, added: Sums, booked: list[_Booked]) -> Iterator[str]:
    closed = closing_of(view_of(connection), month)
    if closed is None or closed.month != month:
        return
    yield from differences_to_closing(
        connection,
        month,
        ((series, quantity, records) for (_, series), (quantity, records, _) in added.items()),
        booked,
    )


def differences_to_closing(
    connection: Connection, month: Month, days: Iterable[tuple[int, int, int]], booked: Iterable[_Booked]
) -> Iterator[str]:
    """How series, quantity and records of a month's days, with what is booked in it, differ from its closed totals."""
    sums: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for series, quantity, records in days:
        sums[series][0] += quantity
        sums[series][1] += records
    for row in booked:
        sums[row.series][0] += row.quantity
        sums[row.series][1] += row.kind == LATE
    query = select(ClosedTotalRow.series, ClosedTotalRow.quantity, ClosedTotalRow.records)
    kept = {row[0]: [row[1], row[2]] for row in connection.execute(query.where(ClosedTotalRow.month == month.number))}
    for series in sorted({*sums, *kept}):
        ours, theirs = sums.get(series, [0, 0]), kept.get(series, [0, 0])
        if ours != theirs:
            yield (
                f"{month}, series {series}: the rows make {group_digits(ours[0])} in {ours[1]:,} records,"
                f" it was closed with {group_digits(theirs[0])} in {theirs[1]:,}"
            )
