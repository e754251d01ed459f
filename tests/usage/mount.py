"""An output mount in a test's hand, and what the ledger made of it."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, Row, select

from licensing.core.instants import from_milliseconds, iso, milliseconds
from licensing.db.database import reading
from licensing.db.schema import Table
from tests.site import CONTAINER_ID, Site
from usage.ledger.canonical import SealedBatch, batch_head, rows_digest
from usage.ledger.receipt import Receipt
from usage.ledger.tables.months import (
    ClosedMonthRow,
    ClosedPeriodRow,
    ClosedPlaceRow,
    ClosedPlanRow,
    ClosedTotalRow,
    CorrectionRow,
)
from usage.ledger.tables.records import BatchRow, FindingRow, QuarantineRow, RecordRow, SeriesRow, SourceRow, TotalRow
from usage.months import DAY_MS
from usage.records.record import LATEST_MS
from usage.records.usage_files import SIZES, ReadSizes

TODAY = "usage-2026-03-01.jsonl"


def rows(ledger: Engine, table: type[Table]) -> Sequence[Row[Any]]:
    """All rows of a table in the order of their keys."""
    with reading(ledger) as connection:
        columns = table.__table__
        return connection.execute(select(columns).order_by(*columns.primary_key)).all()


def totals(ledger: Engine) -> dict[tuple[int, int], tuple[int, int, int]]:
    """The totals as kept: by day and series, the quantity, the number of records and the last one's time."""
    return {(row.day, row.series): (row.quantity, row.records, row.last_at) for row in rows(ledger, TotalRow)}


def recount(ledger: Engine) -> dict[tuple[int, int], tuple[int, int, int]]:
    """The totals as they have to be, from the records alone; those that came late are in none."""
    found: dict[tuple[int, int], tuple[int, int, int]] = {}
    late = {row.record_id for row in rows(ledger, CorrectionRow) if row.kind == "late"}
    for row in rows(ledger, RecordRow):
        if row.id in late:
            continue
        key = row.requested_at // DAY_MS, row.series
        quantity, number, last = found.get(key, (0, 0, 0))
        found[key] = quantity + row.quantity, number + 1, max(last, row.requested_at)
    return found


def heads(ledger: Engine) -> list[bytes]:
    """The heads of all batches, computed anew from the rows in the database."""
    head, computed = bytes(32), []
    numbered, series = {row.number: tuple(row) for row in rows(ledger, RecordRow)}, rows(ledger, SeriesRow)
    corrections, closed = rows(ledger, CorrectionRow), {row.batch: row for row in rows(ledger, ClosedMonthRow)}
    for batch in rows(ledger, BatchRow):
        expected = range(batch.first_record, batch.first_record + batch.records)
        taken = [numbered[number] for number in expected if number in numbered]
        introduced = [
            (
                row.key,
                (row.container_id, row.meter, row.container_version, row.container_type, row.api_type, row.site),
            )
            for row in series
            if row.batch == batch.sequence
        ]
        booked = [tuple(row)[:8] for row in corrections if row.batch == batch.sequence]
        digest = rows_digest(introduced, taken, booked)
        if batch.sequence in closed:
            digest = closed_digest(ledger, closed[batch.sequence])
        head = batch_head(
            head,
            SealedBatch(
                sequence=batch.sequence,
                file=batch.file,
                start=batch.start,
                stop=batch.stop,
                consumed=batch.consumed,
                first_record=batch.first_record,
                records=len(taken),
                rows=digest,
                source=batch.source,
                taken_at=milliseconds(batch.taken_at),
                entries=batch.entries,
            ),
        )
        computed.append(head)
    return computed


def closed_digest(ledger: Engine, closed: Row[Any]) -> bytes:
    """The digest of a closed month, computed anew from its totals in the database, and from what was frozen."""
    kept = [row for row in rows(ledger, ClosedTotalRow) if row.month == closed.month]
    totals = [[row.series, row.quantity, row.records] for row in kept]
    name = f"{closed.month // 100:04}-{closed.month % 100:02}"
    periods = [row for row in rows(ledger, ClosedPeriodRow) if row.month == closed.month]
    plans = [
        [
            row.plan,
            row.terms,
            [[iso(one.starts_at), one.committed, one.used] for one in periods if one.plan == row.plan],
        ]
        for row in rows(ledger, ClosedPlanRow)
        if row.month == closed.month
    ]
    places = [
        [row.series, row.resource, row.output] for row in rows(ledger, ClosedPlaceRow) if row.month == closed.month
    ]
    parts = ["azlic.close/v2", name, closed.reason, iso(closed.closed_at), totals, plans, places]
    return hashlib.sha256(json.dumps(parts, separators=(",", ":"), ensure_ascii=False).encode()).digest()


class Mount:
    """One site's output folder and ledger."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.ledger = site.ledger

    def path(self, name: str = TODAY, container: str = CONTAINER_ID) -> Path:
        return self.site.output / "read" / container / name

    def put(self, content: bytes, name: str = TODAY, container: str = CONTAINER_ID, *, mode: str = "wb") -> Path:
        """Write bytes into a usage file; what stood there before is gone, its inode stays."""
        path = self.path(name, container)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open(mode) as file:
            file.write(content)
        return path

    def write(self, lines: Sequence[bytes], name: str = TODAY, container: str = CONTAINER_ID) -> Path:
        return self.put(b"".join(line + b"\n" for line in lines), name, container)

    def append(self, lines: Sequence[bytes], name: str = TODAY, container: str = CONTAINER_ID) -> Path:
        return self.put(b"".join(line + b"\n" for line in lines), name, container, mode="ab")

    def ingest(self, sizes: ReadSizes = SIZES) -> Receipt:
        """Take what was written, at the site's time, or once the newest line has been written."""
        return self.site.ingest(sizes, now=max(self.site.now, self._written_until()))

    def _written_until(self) -> datetime:
        named = self.site.output.rglob("*.jsonl")
        files = [file for file in named if file.is_file() and file.stat().st_size < 100_000_000]  # no holes
        times = [
            int(found) for file in files for found in re.findall(rb'"requestTime":(\d{12,15})[,}]', file.read_bytes())
        ]
        return from_milliseconds(max((time for time in times if time < LATEST_MS), default=0))

    def ids(self) -> list[str]:
        return [row.id for row in rows(self.ledger, RecordRow)]

    def findings(self) -> list[tuple[str, str | None, str, int]]:
        """Kind, container, file and line of every finding."""
        files = {row.key: Path(row.path).name for row in rows(self.ledger, SourceRow)}
        return [(row.kind, row.container_id, files[row.source], row.line) for row in rows(self.ledger, FindingRow)]

    def kinds(self) -> Counter[str]:
        return Counter(kind for kind, *_ in self.findings())

    def quarantine(self) -> Sequence[Row[Any]]:
        return rows(self.ledger, QuarantineRow)
