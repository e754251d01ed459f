"""A monthly report for spreadsheets: CSV."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

from azlic.render.words import METERS_UNIT, unit_of
from licensing.core.instants import iso
from licensing.core.text import printable
from usage.plans.model import Rule
from usage.quantity import from_micro
from usage.reporting.daily import Usage, UseKind
from usage.reporting.plan_usage import Amounts, PlanUsage
from usage.reporting.report import MonthlyReport
from usage.reporting.subtotals import Subtotals

CSV_COLUMNS = (
    "month",
    "kind",
    "plan",
    "site",
    "container_type",
    "container_id",
    "meter",
    "belongs_to",
    "quantity",
    "unit",
    "plan_quantity",
    "plan_unit",
    "records",
    "year_to_date",
    "plan_year_to_date",
    "period_from",
    "period_until",
    "period_to_date",
    "plan_period_to_date",
    "committed",
    "used",
    "remaining",
    "overage",
    "plan_units",
    "per",
    "last_at",
    "undecided",
    "resource",
    "rule",
    "site_month",
    "site_period_to_date",
    "site_year_to_date",
    "resource_month",
    "resource_period_to_date",
    "resource_year_to_date",
    "account",
)
PLAN = "plan"
"""The kind of the line that holds a plan's own figures; lines of a ``site`` or ``resource`` hold its subtotals, the
others are of use."""

Line = dict[str, object]
_FORMULA = re.compile(r"\s*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")


def report_csv(report: MonthlyReport) -> str:
    """A line for each plan's period, one for each site, container and meter, and the subtotals; columns by their names.

    ``quantity``, ``year_to_date`` and ``period_to_date`` are in ``unit``, the meter's; the columns that begin with
    ``plan_``, and what is committed, used, remaining and over, in ``plan_unit``. ``per`` of the one are ``plan_units``
    of the other. ``undecided`` names the plans of which no rule takes a line; ``rule`` names those that gave its plan
    the line, the last one at the end. What is late or corrected has lines of its own, which name the month they belong
    to. Every column adds up: the plan's own figures stand in its line alone, and subtotals in columns of their own, by
    site and by resource, in the plan's unit or, on no plan, in the meter's.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, CSV_COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for line in _lines(report):
        writer.writerow({name: harmless(value) for name, value in line.items()})
    return text.getvalue().rstrip("\n")


def _lines(report: MonthlyReport) -> Iterator[Line]:
    month: Line = {"month": str(report.month)}
    for usage in report.plans:
        yield month | _plan_line(usage)
        for row, amounts, rules in zip(usage.usages, usage.amounts, usage.rules, strict=True):
            for line in _use_lines(report, row, amounts):
                yield month | line | _plan_of(usage, row.meter) | {"rule": rules_cell(rules)}
        for line in _subtotals(usage.subtotals, ("month", "period_to_date", "year_to_date")):
            yield month | _period_of(usage) | line
    for row in report.undecided:
        for line in _use_lines(report, row, None):
            yield month | line | {"unit": METERS_UNIT, "undecided": undecided_cell(report.candidates[row.meter])}
    for meter, found in report.undecided_subtotals.items():
        for line in _subtotals(found, ("month", "year_to_date")):
            plans = undecided_cell(report.candidates[meter])
            yield month | line | {"meter": meter, "unit": METERS_UNIT, "undecided": plans}
    for row in report.unmapped:
        for line in _use_lines(report, row, None):
            yield month | line | {"unit": METERS_UNIT}
    for meter, found in report.unmapped_subtotals.items():
        for line in _subtotals(found, ("month", "year_to_date")):
            yield month | line | {"meter": meter, "unit": METERS_UNIT}


def _subtotals(found: Subtotals, spans: Sequence[str]) -> Iterator[Line]:
    for by, sums in found.told:
        for name, one in sums.items():
            amounts = zip(spans, map(from_micro, one.amounts), strict=True)
            yield {"kind": by, by: name} | {f"{by}_{span}": amount for span, amount in amounts}


def _plan_line(usage: PlanUsage) -> Line:
    figures = {
        "committed": usage.committed,
        "used": usage.used,
        "remaining": usage.remaining,
        "overage": max(0, -usage.remaining),
    }
    amounts: Line = {name: from_micro(micro) for name, micro in figures.items()}
    return {"kind": PLAN} | _period_of(usage) | amounts


def _period_of(usage: PlanUsage) -> Line:
    return {
        "plan": usage.plan.name,
        "account": usage.plan.account or "",
        "plan_unit": usage.plan.unit,
        "period_from": f"{usage.period_starts_at:%Y-%m-%d}",
        "period_until": f"{usage.period_ends_at:%Y-%m-%d}",
    }


def _plan_of(usage: PlanUsage, meter: str) -> Line:
    share = usage.share_of(meter)
    ratio: Line = {"unit": unit_of(share, usage.plan.unit), "plan_units": share.multiplier, "per": share.divisor}
    return _period_of(usage) | ratio


def _use_lines(report: MonthlyReport, row: Usage, amounts: Amounts | None) -> Iterator[Line]:
    """The line of what was reported in its time, with the row's sums, then one for each part that was not."""
    names = ("site", "container_type", "container_id", "meter")
    labels: Line = {name: getattr(row, name) for name in names}
    labels["resource"] = report.places.of(*row[:3]).resource
    drawn = (
        [{"plan_quantity": from_micro(micro)} for micro in amounts.lines] if amounts else [{}] * (1 + len(row.apart))
    )
    sums: Line = {
        "kind": UseKind.REPORTED.value,
        "belongs_to": str(report.month),
        "quantity": from_micro(row.reported),
        "records": row.reported_records,
        "year_to_date": from_micro(row.year_to_date),
        "last_at": iso(row.last_at),
    }
    if amounts is not None:
        sums |= {
            "plan_year_to_date": from_micro(amounts.year_to_date),
            "period_to_date": from_micro(row.period),
            "plan_period_to_date": from_micro(amounts.period),
        }
    yield labels | sums | drawn[0]
    for part, share in zip(row.apart, drawn[1:], strict=True):
        own: Line = {
            "kind": part.kind.value,
            "belongs_to": str(part.month),
            "quantity": from_micro(part.quantity),
            "records": part.records,
        }
        yield labels | own | share


def rules_cell(rules: Iterable[Rule]) -> str:
    """The rules that decided, in one cell."""
    return "; ".join(f"{rule.scope} {rule.value}" for rule in rules)


def undecided_cell(plans: Iterable[str]) -> str:
    """The plans that no rule decides between, in one cell."""
    return " or ".join(plans)


def harmless(value: object) -> object:
    """Text of printable characters; what a spreadsheet would take for a formula gets an apostrophe in front.

    Source: OWASP, CSV injection.
    """
    if not isinstance(value, str):
        return value
    return f"'{printable(value)}" if _FORMULA.match(value) else printable(value)
