"""The blockers of a month's closing: findings and lines that concern it, and bytes that nobody has read.

What can only be of another month is not a blocker. A line says when it was written, also one of a site's export; a
usage file of ours has its day in its name; any other file holds nothing from before its first record; a counter that
fell or is not counted names its month; and what was found before the month began cannot be about it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import InvalidOperation
from pathlib import Path

import msgspec
from sqlalchemy import ColumnElement, Connection, func, select
from sqlalchemy.orm import InstrumentedAttribute

from licensing.core.instants import from_milliseconds
from licensing.db.readonly import view_of
from usage.intake.backlog import Backlog
from usage.intake.findings import KINDS, Finding, OpenGap, list_findings, open_gaps
from usage.intake.passed_over import KIND as PASSED_OVER
from usage.intake.quarantine import QuarantinedLine, list_quarantined
from usage.ledger.canonical import TIME
from usage.ledger.counted_ahead import read_counted_ahead
from usage.ledger.last_audit import read_last_audit
from usage.ledger.source_kinds import SourceKind
from usage.ledger.tables.records import BatchRow, FindingRow, GapRow, QuarantineRow, RecordRow, SeriesRow
from usage.months import Month
from usage.plans.book import read_book
from usage.records.record import UNREADABLE, BadLine, requested_ms
from usage.reporting.daily import daily_use
from usage.reporting.draws import allocate

_EVER = from_milliseconds(0)
_NEVER = _EVER + timedelta(days=365 * 8000)
_OF_A_MONTH = {"counter-fell", "too-fine", "meter-refused"}
_COUNTER = re.compile(r" of ([0-9]{4}-[0-9]{2}) (?:fell from [0-9]|is not counted: )")
_DAY = re.compile(r"usage-([0-9]{4}-[0-9]{2}-[0-9]{2})\.jsonl")


@dataclass(frozen=True, slots=True)
class Blocker:
    """One thing that speaks against closing: its kind, what and where it is, and the command to look into it.

    One that is not ``acceptable`` stands against it whatever reason is given.
    """

    kind: str
    detail: str
    hint: str
    acceptable: bool = True


def find_blockers(connection: Connection, month: Month, look: Backlog, *, now: datetime) -> tuple[Blocker, ...]:
    """Every blocker of a month's closing, after a look at the output folders."""
    return (
        *_failed_audit(connection),
        *_counted_ahead(connection, now),
        *_lines_apart(connection, month),
        *_missing(connection, month),
        *_doubts(connection, month),
        *_unread(month, look),
        *_undecided(connection, month),
    )


def _failed_audit(connection: Connection) -> Iterator[Blocker]:
    last = read_last_audit(view_of(connection))
    if last is not None and last.failure:
        yield Blocker("audit", last.failure, last.again)


def _counted_ahead(connection: Connection, now: datetime) -> Iterator[Blocker]:
    """What was taken under a clock that ran ahead may have been used in any month that is open."""
    for one in read_counted_ahead(view_of(connection), now):
        yield Blocker("counted-ahead", one.words, one.look)


def _undecided(connection: Connection, month: Month) -> Iterator[Blocker]:
    """Use that draws on no plan, as several have its meter and no rule says which of them takes it."""
    view = view_of(connection)
    days = daily_use(view, month.starts_at, month.next.starts_at)
    draws = allocate(read_book(view, month.next.starts_at), days)
    for meter, plans in sorted({draw.use.meter: draw.undecided for draw in draws if draw.undecided}.items()):
        detail = f"meter {meter}: no rule says which of plans {', '.join(plans)} takes all that was used"
        yield Blocker("undecided", detail, "azlic plan rule add")


def _lines_apart(connection: Connection, month: Month) -> Iterator[Blocker]:
    for item in list_quarantined(connection):
        if _line_concerns(connection, item, month):
            detail = f"line {item.key} in quarantine: {item.file}:{item.line} {item.reason}"
            yield Blocker(item.kind, detail, "azlic quarantine list")


def _line_concerns(connection: Connection, item: QuarantinedLine, month: Month) -> bool:
    """A line that can be dated concerns its own month; another one every month that may have written it.

    One that is dated ahead was written under a wrong clock, at any time before it came.
    """
    if item.kind == "ahead":
        return item.taken_at >= month.starts_at
    at = _time_in(item)
    if at is not None:
        return Month.of(at) == month
    if item.taken_at < month.starts_at or not _file_may_hold(item.file, month):
        return False
    return item.start == 0 or _has_begun(connection, QuarantineRow.source, QuarantineRow.key == item.key, month)


def _time_in(item: QuarantinedLine) -> datetime | None:
    """When a line was written: a record of ours says it by name, a row of an export in its place."""
    try:
        fields = msgspec.json.decode(item.content)
        if SourceKind.EXPORT.is_of(item.file):
            return from_milliseconds(fields[TIME - 1])  # an export's row is kept without its number
        return from_milliseconds(requested_ms(fields["requestTime"]))
    except (*UNREADABLE, BadLine, LookupError, TypeError, InvalidOperation):
        return None


def _has_begun(
    connection: Connection, source: InstrumentedAttribute[int], which: ColumnElement[bool], month: Month
) -> bool:
    """Whether the source that a row names had its first record by the end of a month; so it may have if it has none."""
    of = select(source).where(which).scalar_subquery()
    stretch = select(BatchRow.first_record, BatchRow.records).where(BatchRow.source == of, BatchRow.records > 0)
    begun = connection.execute(stretch.order_by(BatchRow.sequence).limit(1)).one_or_none()
    if begun is None:
        return True
    within = RecordRow.number.between(begun.first_record, begun.first_record + begun.records - 1)
    first = connection.execute(select(func.min(RecordRow.requested_at)).where(within)).scalar_one()
    return from_milliseconds(first) < month.next.starts_at


def _file_may_hold(file: str, month: Month) -> bool:
    """Whether a file may hold records of a month: one of ours those of its day, and of work begun the day before."""
    match = _DAY.match(Path(file).name)
    try:
        day = datetime.fromisoformat(f"{match[1]}T00:00:00+00:00") if match else None
    except ValueError:
        day = None
    return day is None or month.starts_at <= day <= month.next.starts_at


def _missing(connection: Connection, month: Month) -> Iterator[Blocker]:
    for gap in open_gaps(connection):
        found_at = connection.execute(
            select(GapRow.found_at).where(GapRow.container_id == gap.container_id, GapRow.first == gap.first)
        ).scalar_one()
        after, before = _times_around(connection, gap)
        if after < month.next.starts_at and before >= month.starts_at and found_at >= month.starts_at:
            number = "" if gap.finding is None else f"finding {gap.finding}: "
            detail = f"{number}records {gap.first} to {gap.last} of {gap.container_id} are missing"
            yield Blocker("gap", detail, "azlic findings list")


def _times_around(connection: Connection, gap: OpenGap) -> tuple[datetime, datetime]:
    """The times of the records before and behind a gap; they bound when the missing ones were written."""
    keys = select(SeriesRow.key).where(SeriesRow.container_id == gap.container_id)
    query = select(RecordRow.sequence, RecordRow.requested_at).where(
        RecordRow.series.in_(keys), RecordRow.sequence.in_((gap.first - 1, gap.last + 1))
    )
    times = [(sequence, from_milliseconds(time)) for sequence, time in connection.execute(query)]
    return (
        min((time for sequence, time in times if sequence == gap.first - 1), default=_EVER),
        max((time for sequence, time in times if sequence == gap.last + 1), default=_NEVER),
    )


def _doubts(connection: Connection, month: Month) -> Iterator[Blocker]:
    for item in list_findings(connection):
        if item.kind != "gap" and _finding_concerns(connection, item, month):  # gaps are told by what is still missing
            place = f"{item.file}:{item.line}" if item.line else item.file
            if item.kind == PASSED_OVER:
                yield Blocker(PASSED_OVER, f"finding {item.key}: {item.detail}", "azlic findings list")
                continue
            detail = f"finding {item.key}: {place} {KINDS.get(item.kind, item.kind)}"
            yield Blocker("finding", detail, "azlic findings list")


def _finding_concerns(connection: Connection, item: Finding, month: Month) -> bool:
    if counter := _COUNTER.search(item.detail) if item.kind in _OF_A_MONTH else None:
        return counter[1] == str(month)
    if item.found_at < month.starts_at or not _file_may_hold(item.file, month):
        return False
    return _has_begun(connection, FindingRow.source, FindingRow.key == item.key, month)


def _unread(month: Month, look: Backlog) -> Iterator[Blocker]:
    for item in look.untaken:
        if _file_may_hold(item.path, month):
            yield Blocker("pending", f"{item.path}: {item.size:,} bytes are not ingested yet", "azlic ingest")
    for passed in look.passed_over:
        if _file_may_hold(passed.text, month):
            yield Blocker(PASSED_OVER, passed.detail, "azlic ingest")


def summary(found: Sequence[Blocker]) -> str:
    """Obstacles in one line."""
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return f"{found[0].detail}{more}"


def are_acceptable(found: Sequence[Blocker]) -> bool:
    """Whether a reason is enough to close despite them."""
    return all(item.acceptable for item in found)


def way_on(found: Sequence[Blocker]) -> str:
    """What to do about them, in a hint's words."""
    if are_acceptable(found):
        return "resolve it, or --accept REASON"
    return "no reason is accepted for a difference: put back a sound backup, azlic restore BACKUP"
