"""Closed months, and what was booked about them later, as a report shows them."""

from collections.abc import Sequence
from itertools import groupby

from rich.console import RenderableType
from rich.text import Text

from azlic.lines import joined
from azlic.render.table import align, columns, indent
from azlic.render.words import UNFROZEN
from licensing.core.instants import iso
from usage.ledger.checkpoints import head_text
from usage.ledger.closed_months import ClosedMonth
from usage.quantity import from_micro
from usage.reporting.daily import Apart, Usage
from usage.reporting.report import MonthlyReport


def closing_lines(closed: ClosedMonth | None) -> list[RenderableType]:
    """That a month is closed: its numbers stay as they are."""
    if closed is None:
        return []
    lines = [f"Closed at {iso(closed.closed_at)}, batch {closed.sequence:,}, head {head_text(closed.head)}"]
    lines += [f"although something was open: {closed.reason}"] if closed.reason else []
    lines += [] if closed.frozen else [UNFROZEN]
    return [Text(joined(lines))]


def closing_fields(closed: ClosedMonth | None) -> object:
    """How a month was closed, for a script; None while it is open."""
    if closed is None:
        return None
    return {
        "with": closed.month,
        "closed_at": closed.closed_at,
        "batch": closed.sequence,
        "head": head_text(closed.head),
        "reason": closed.reason or None,
        "plans_frozen": closed.frozen,
    }


def late_parts(report: MonthlyReport) -> Sequence[tuple[Usage, Apart]]:
    """Every part of the month's use that was booked late or corrected, with the row that it is a part of."""
    found = [(row, part) for row in report.usages for part in row.apart]
    return sorted(found, key=lambda pair: (pair[0].meter, pair[1].month, pair[1].kind))


def late_lines(report: MonthlyReport) -> list[RenderableType]:
    """What was booked late or corrected, by meter; nothing where nothing was."""
    parts: list[RenderableType] = []
    for meter, group in groupby(late_parts(report), key=lambda pair: pair[0].meter):
        pairs = list(group)
        table = columns("", "of month", "~site", "~container", ">meter's unit", ">records")
        for (row, part), quantity in zip(pairs, align([part.quantity for _, part in pairs]), strict=True):
            place = (row.site or "-", row.container_id)
            table.add_row(part.kind.value, str(part.month), *place, quantity, f"{part.records:,}")
        parts += [Text(f"  {meter}"), indent(table, 4)]
    heading = f"Late and corrected: included in {report.month} above, though it belongs elsewhere"
    return [Text(heading, style="bold"), *parts, Text()] if parts else []


def late_fields(usage: Usage) -> object:
    """The parts of a row that were booked late or corrected, for a script."""
    return [
        {"kind": part.kind, "month": part.month, "quantity": from_micro(part.quantity), "records": part.records}
        for part in usage.apart
    ]
