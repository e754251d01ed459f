"""Months that close, in a test's hand."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from licensing.core.instants import milliseconds
from licensing.db.database import reading
from tests.site import Site
from tests.usage.lines import a_line
from tests.usage.mount import Mount, heads, recount, rows, totals
from usage.auditing.recomputation import Recomputed, recompute
from usage.auditing.run import audit
from usage.closing.close import Closable, close_month, examine
from usage.ledger.closed_months import ClosedMonth
from usage.ledger.corrections import Corrected, correct
from usage.ledger.tables.months import CorrectionRow
from usage.ledger.tables.records import BatchRow
from usage.months import Month
from usage.quantity import MICRO, parse_quantity


class Months:
    """A mount, and what is done to the months of its ledger; quantities are in whole units."""

    def __init__(self, mount: Mount) -> None:
        self.mount = mount
        self.site: Site = mount.site
        self.ledger = mount.ledger

    def use(self, name: str, quantity: object, at: datetime, **changes: Any) -> None:
        """Let a record come in: written into the file of the day it says, and ingested now."""
        self.mount.append(
            [a_line(name, quantity, **{"requestTime": milliseconds(at)} | changes)], f"usage-{at:%Y-%m-%d}.jsonl"
        )
        self.mount.ingest()

    def close(self, month: str, **how: Any) -> ClosedMonth:
        return close_month(self.ledger, Month.parse(month), now=self.site.now, **how)

    def examine(self, month: str, **how: Any) -> Closable:
        return examine(self.ledger, Month.parse(month), now=self.site.now, **how)

    def correct(self, name: str, quantity: str, reason: str = "scanned twice") -> Corrected:
        return correct(self.ledger, name, parse_quantity(quantity), reason=reason, now=self.site.now)

    def used(self, month: str) -> float:
        """What the report says was used in a month, on a plan or on none."""
        return sum(row.month for row in self.site.report(month).usages) / MICRO

    def apart(self, month: str) -> list[tuple[str, str, float, int]]:
        """What was booked late or corrected: kind, the month it belongs to, quantity, records."""
        parts = [part for row in self.site.report(month).usages for part in row.apart]
        return [(part.kind.value, str(part.month), part.quantity / MICRO, part.records) for part in parts]

    def booked(self) -> list[tuple[str, int, int, str, float]]:
        names = ("kind", "booked_month", "month", "record_id")
        found: Sequence[Row[Any]] = rows(self.ledger, CorrectionRow)
        return [(*(getattr(row, name) for name in names), row.quantity / MICRO) for row in found]

    def recompute(self, month: str) -> Recomputed:
        with reading(self.ledger) as connection:
            return recompute(connection, Month.parse(month))

    def check(self) -> None:
        """Totals, heads and every used month follow from the rows, and the audit finds nothing."""
        assert audit(self.ledger).faults == ()
        assert totals(self.ledger) == recount(self.ledger)
        assert heads(self.ledger) == [row.head for row in rows(self.ledger, BatchRow)]
        months = {f"{Month.of(self.site.now)}", *(f"{row[1] // 100}-{row[1] % 100:02}" for row in self.booked())}
        for month in sorted(months):
            assert self.recompute(month).difference is None
