"""A monthly report for spreadsheets: CSV."""

import csv
import io
import re
from collections.abc import Iterator, Sequence

from licensing.core.instants import iso
from usage.plans.model import MeterShare
from usage.quantity import from_micro
from usage.reporting.daily import Usage, UseKind
from usage.reporting.plan_usage import PlanUsage
from usage.reporting.report import MonthlyReport

CSV_COLUMNS = (
    "month",
    "plan",
    "unit",
    "container_type",
    "container_id",
    "meter",
    "quantity",
    "year_to_date",
    "records",
    "site",
    "period_from",
    "period_to_date",
    "plan_units",
    "per",
    "last_at",
    "kind",
    "belongs_to",
)


_FORMULA = re.compile(r"\s*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")


def report_csv(report: MonthlyReport) -> str:
    """One line for each site, container and meter, with the plan it draws on, if any; columns go by their names.

    Quantities are in the meter's unit: ``per`` of it are ``plan_units`` of the plan's ``unit``. What is late or
    corrected has lines of its own, which name the month they belong to: the sum of ``quantity`` is the month's use.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for usage in report.plans:
        shares = {share.meter: share for share in usage.plan.meters}
        for row in usage.usages:
            writer.writerows(_lines(report, row, usage, shares[row.meter]))
    for row in report.unmapped:
        writer.writerows(_lines(report, row, None, None))
    return text.getvalue().rstrip("\n")


def _lines(
    report: MonthlyReport, row: Usage, usage: PlanUsage | None, share: MeterShare | None
) -> Iterator[list[object]]:
    """The line of what was reported in its time, with the row's sums, then one for each part that was not."""
    line = dict(zip(CSV_COLUMNS, _line(report, row, usage, share), strict=True))
    yield list(map(_harmless, line.values()))
    for part in row.apart:
        sums: dict[str, object] = {"year_to_date": "", "period_to_date": "", "last_at": ""}
        own = {"quantity": from_micro(part.quantity), "records": part.records}
        named = {"kind": part.kind.value, "belongs_to": str(part.month)}
        yield list(map(_harmless, (line | sums | own | named).values()))


def _line(report: MonthlyReport, row: Usage, usage: PlanUsage | None, share: MeterShare | None) -> Sequence[object]:
    return (
        str(report.month),
        usage.plan.name if usage else "",
        usage.plan.unit if usage else "",
        row.container_type,
        row.container_id,
        row.meter,
        from_micro(row.reported),
        from_micro(row.year_to_date),
        row.reported_records,
        row.site,
        f"{usage.period_starts_at:%Y-%m-%d}" if usage else "",
        from_micro(row.period) if usage else "",
        share.multiplier if share else "",
        share.divisor if share else "",
        iso(row.last_at),
        UseKind.REPORTED.value,
        str(report.month),
    )


def _harmless(value: object) -> object:
    """Text that a spreadsheet would take for a formula gets an apostrophe in front. Source: OWASP, CSV injection."""
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value
