"""Closing a month: its totals and plans are kept as they are, sealed in the chain of batches, for good."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, insert, select

from licensing.core.errors import AzlicError, BadCall
from licensing.core.instants import from_milliseconds, iso, milliseconds
from licensing.db.database import reading, writing
from licensing.db.lock import holding
from licensing.db.readonly import view_of
from usage.auditing.closable import differences_before_closing
from usage.closing.blockers import Blocker, are_acceptable, find_blockers, summary, way_on
from usage.closing.freezing import freeze
from usage.intake.backlog import read_backlog
from usage.ledger.batch_log import BatchChain, desk_source
from usage.ledger.canonical import close_digest
from usage.ledger.closed_months import ClosedMonth, closing_of, open_months
from usage.ledger.correction_kinds import LATE
from usage.ledger.corrections import check_reason
from usage.ledger.counts import Booked, Counts, count
from usage.ledger.source_kinds import SourceKind
from usage.ledger.tables.months import ClosedMonthRow, ClosedTotalRow, CorrectionRow
from usage.ledger.tables.records import SeriesRow, TotalRow
from usage.months import Month, day_number

_LARGEST = 2**63 - 1


class MonthNotReady(AzlicError):
    """A month has blockers. Exit status 1: it is a "no"."""

    exit_status = 1


@dataclass(frozen=True, slots=True)
class Closable:
    """A month that may be closed by its time: what it holds by meter, its blockers, and what could not be seen."""

    month: Month
    series: int
    counts: Mapping[str, Counts]
    obstacles: tuple[Blocker, ...]
    unseen: tuple[str, ...]


def examine(engine: Engine, month: Month, *, now: datetime, folders: Sequence[Path] = ()) -> Closable:
    """Look at a month that is to be closed, and at the output folders; nothing is changed.

    Raises ``BadCall`` for a month that has not ended, is closed, or comes after one that is open and was used.
    """
    with reading(engine) as connection:
        return _examine(connection, month, now, folders)


def close_month(
    engine: Engine, month: Month, *, now: datetime, folders: Sequence[Path] = (), accept: str | None = None
) -> ClosedMonth:
    """Close a month in one transaction; ``accept`` is the reason to do so despite blockers.

    Raises ``BadCall`` like ``examine``, ``MonthNotReady`` where it has blockers and no reason is given, or where its
    records do not make its totals, whatever the reason.
    """
    if accept is not None:
        check_reason(accept)
    with holding(engine), writing(engine) as connection:
        found = _examine(connection, month, now, folders).obstacles
        if found and (accept is None or not are_acceptable(found)):
            raise MonthNotReady(f"{month} is not ready to be closed: {summary(found)}", hint=way_on(found))
        return _close(connection, month, now=now, reason=(accept or "") if found else "")


def _examine(connection: Connection, month: Month, now: datetime, folders: Sequence[Path]) -> Closable:
    _refuse_what_cannot_be(connection, month, now)
    totals = _totals_of(connection, month)
    seen = read_backlog(connection, folders)
    return Closable(
        month=month,
        series=len(totals),
        counts=_counts_of(connection, month),
        obstacles=(*_differences(connection, month), *find_blockers(connection, month, seen, now=now)),
        unseen=seen.unseen,
    )


def _differences(connection: Connection, month: Month) -> Iterator[Blocker]:
    """What is to be frozen and does not follow from the records: no reason makes it right, and it is never undone."""
    for difference in differences_before_closing(connection, month):
        yield Blocker("difference", difference, "azlic audit", acceptable=False)


def _refuse_what_cannot_be(connection: Connection, month: Month, now: datetime) -> None:
    closed = closing_of(view_of(connection), month)
    if closed is not None:
        together = "" if closed.month == month else f", together with {closed.month}"
        raise BadCall(
            f"{month} was closed at {iso(closed.closed_at)}{together}",
            hint="it stays as it is; correct a record with: azlic correct RECORD --quantity Q --reason TEXT",
        )
    if now < month.next.starts_at:
        raise BadCall(
            f"{month} has not ended: it is {iso(now)}", hint=f"close it from {iso(month.next.starts_at)} on (UTC)"
        )
    earlier = next(iter(open_months(view_of(connection))), month)
    if earlier < month:
        raise BadCall(f"{earlier} is open, and was used", hint=f"months are closed in order: azlic close {earlier}")


def _counts_of(connection: Connection, month: Month) -> dict[str, Counts]:
    """What counts in a month, by meter."""
    first, past = day_number(month.starts_at), day_number(month.next.starts_at)
    meters = {row.key: row.meter for row in connection.execute(select(SeriesRow.key, SeriesRow.meter))}
    days = select(TotalRow.series, TotalRow.quantity, TotalRow.records).where(
        TotalRow.day >= first, TotalRow.day < past
    )
    booked = select(CorrectionRow).where(CorrectionRow.booked_month == month.number).order_by(CorrectionRow.number)
    return count(
        ((meters[series], quantity, records) for series, quantity, records in connection.execute(days)),
        (
            Booked(row.kind, row.record_id, meters[row.series], row.quantity, row.reason, row.batch)
            for row in connection.execute(booked)
        ),
    )


def _totals_of(connection: Connection, month: Month) -> list[tuple[int, int, int]]:
    """Series, quantity and records of a month in the order of series: its days, and what is booked in it.

    Summed here, for a database's integers end at 64 bits.
    """
    sums: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    first, past = day_number(month.starts_at), day_number(month.next.starts_at)
    days = select(TotalRow.series, TotalRow.quantity, TotalRow.records).where(
        TotalRow.day >= first, TotalRow.day < past
    )
    for series, quantity, records in connection.execute(days):
        sums[series][0] += quantity
        sums[series][1] += records
    booked = select(CorrectionRow.series, CorrectionRow.quantity, CorrectionRow.kind)
    for series, quantity, kind in connection.execute(booked.where(CorrectionRow.booked_month == month.number)):
        sums[series][0] += quantity
        sums[series][1] += kind == LATE
    return [(series, quantity, records) for series, (quantity, records) in sorted(sums.items())]


def _close(connection: Connection, month: Month, *, now: datetime, reason: str) -> ClosedMonth:
    closed_at = from_milliseconds(milliseconds(now))  # as the ledger keeps it, for the digest is made from that again
    totals = _totals_of(connection, month)
    _refuse_what_does_not_fit(month, totals)
    freezing = freeze(connection, month)
    digest = close_digest(str(month), reason, iso(closed_at), totals, freezing.canonical)
    chain = BatchChain(connection, now=now)
    source = desk_source(connection, SourceKind.CLOSE)
    chain.seal(connection, source=source, file=SourceKind.CLOSE.named(month), rows=digest)
    values = {"closed_at": closed_at, "batch": chain.sequence, "totals": digest, "reason": reason, "form": 2}
    connection.execute(insert(ClosedMonthRow).values(month=month.number, **values))
    rows = [
        {"month": month.number, "series": series, "quantity": quantity, "records": records}
        for series, quantity, records in totals
    ]
    if rows:
        connection.execute(insert(ClosedTotalRow), rows)
    freezing.keep(connection)
    return ClosedMonth(month, closed_at, chain.sequence, chain.head, reason)


def _refuse_what_does_not_fit(month: Month, totals: Sequence[tuple[int, int, int]]) -> None:
    if any(abs(quantity) > _LARGEST for _, quantity, _ in totals):
        raise AzlicError(
            f"{month} cannot be closed: what one container used in it is larger than 9,000,000,000,000",
            hint="see which with: azlic report; correct the records that are wrong",
        )
