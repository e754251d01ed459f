"""A monthly report as tables for a terminal, as fields for a script, and as CSV for a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from licensing.instants import iso
from usage.months import Month
from usage.plans import Plan
from usage.quantity import from_micro, grouped
from usage.report import MonthlyReport, PlanUsage, Quality, Usage

WIDTH = 80
_FINDINGS = {
    "gap": "gaps in a container's records",
    "edited": "lines that were changed after they were written",
    "disorder": "records out of order",
    "shrunk": "files that became shorter",
    "rewritten": "files whose beginning changed",
    "vanished": "files that are gone",
}


def report_text(report: MonthlyReport) -> str:
    """The report for people, 80 columns wide."""
    parts: list[RenderableType] = [
        Text(f"Usage report {report.month}, as of {iso(report.as_of)}", style="bold"),
        Text(),
    ]
    for plan in report.plans:
        parts += [_plan_table(plan, report.month), Text()]
        if plan.usages:
            parts += [_usage_table("Drawn by", plan.usages), Text()]
    if not report.plans:
        parts += [Text("No plan covers this month. Enter one with: azlic plan import /license"), Text()]
    if report.unmapped:
        parts += [_usage_table("On no plan", report.unmapped), Text()]
    parts.append(_quality_text(report.quality))
    return _rendered(parts)


def plans_table(plans: Sequence[Plan]) -> str:
    """The plans for people."""
    if not plans:
        return "no plans; enter one with: azlic plan import /license"
    table = Table(box=None, pad_edge=False)
    for heading in ("plan", "type", "committed", "from", "until"):
        table.add_column(heading, justify="right" if heading == "committed" else "left", overflow="fold")
    for plan in plans:
        committed = f"{grouped(plan.committed)} {plan.unit}/{plan.period}"
        table.add_row(plan.name, f"{plan.plan_type} {plan.tier} x {plan.count}", committed, *_dates(plan))
    return _rendered([table])


def _dates(plan: Plan) -> tuple[str, str]:
    return f"{plan.starts_at:%Y-%m-%d}", f"{plan.ends_at:%Y-%m-%d}"


def _plan_table(usage: PlanUsage, month: Month) -> Table:
    plan = usage.plan
    start, end = f"{usage.period_starts_at:%Y-%m-%d}", f"{usage.period_ends_at:%Y-%m-%d}"
    table = Table(
        title=f"Plan {plan.name}: {plan.plan_type} {plan.tier} x {plan.count}", title_justify="left", box=None
    )
    table.add_column("")
    table.add_column(plan.unit, justify="right")
    table.add_column("")
    used_up = "red" if usage.remaining < 0 else ""
    table.add_row("committed", grouped(plan.committed), f"each {plan.period}, this one {start} up to {end} UTC")
    table.add_row("used", grouped(usage.used), f"{usage.percent:.1f} % of it, to the end of {month}", style=used_up)
    if usage.remaining >= 0:
        table.add_row("remaining", grouped(usage.remaining), "")
    else:
        table.add_row("overage", grouped(-usage.remaining), "more than was committed", style=used_up)
    table.add_row(f"in {month}", grouped(usage.month), "")
    table.add_row("year to date", grouped(usage.year_to_date), f"from {month.year}-01-01")
    return table


def _usage_table(title: str, usages: Iterable[Usage]) -> Table:
    table = Table(title=title, title_justify="left", box=None)
    table.add_column("container", no_wrap=True)
    table.add_column("meter", overflow="fold")
    table.add_column("month", justify="right", no_wrap=True)
    table.add_column("year to date", justify="right", no_wrap=True)
    for usage in usages:
        table.add_row(usage.container_id, usage.meter, grouped(usage.month), grouped(usage.year_to_date))
    return table


def _quality_text(quality: Quality) -> Text:
    if quality.clean:
        return Text("Quality: nothing was kept out of these numbers.")
    counts = [
        (quality.quarantined, "lines in quarantine, not counted"),
        (quality.conflicts, "conflicts: a known id with other content, not counted"),
        (quality.pending_bytes, "bytes of unfinished lines, not counted yet"),
        (quality.vanished, "sources that are gone at the moment"),
        *((count, _FINDINGS.get(kind, kind)) for kind, count in quality.findings.items()),
        (len(quality.unmapped_meters), f"meters on no plan: {', '.join(quality.unmapped_meters)}"),
    ]
    lines = [f"  {count:>9,}  {what}" for count, what in counts if count]
    return Text("\n".join(["Quality: look into this before you rely on the numbers.", *lines]), style="yellow")


def _rendered(parts: Iterable[RenderableType]) -> str:
    console = Console(width=WIDTH, highlight=False)
    with console.capture() as capture:
        for part in parts:
            console.print(part)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def _number(micro: int) -> int | float:
    number = from_micro(micro)
    return number if isinstance(number, int) else float(number)


def plan_fields(plan: Plan) -> dict[str, Any]:
    """A plan's fields, the same in every schema."""
    return {
        "name": plan.name,
        "plan_type": plan.plan_type,
        "tier": plan.tier,
        "count": plan.count,
        "quota": _number(plan.quota),
        "unit": plan.unit,
        "period": plan.period,
        "starts_at": iso(plan.starts_at),
        "ends_at": iso(plan.ends_at),
        "meters": [
            {"meter": share.meter, "multiplier": share.multiplier, "divisor": share.divisor} for share in plan.meters
        ],
    }


def _usage_fields(usage: Usage) -> dict[str, Any]:
    return {
        "container_type": usage.container_type,
        "container_id": usage.container_id,
        "meter": usage.meter,
        "month": _number(usage.month),
        "year_to_date": _number(usage.year_to_date),
        "records": usage.records,
        "last_at": iso(usage.last_at),
    }


def report_fields(report: MonthlyReport) -> dict[str, Any]:
    """The report under the schema ``azlic.report/v1``: quantities as numbers, instants in ISO 8601."""
    quality = report.quality
    return {
        "month": str(report.month),
        "as_of": iso(report.as_of),
        "plans": [
            {
                "plan": plan_fields(usage.plan),
                "period_starts_at": iso(usage.period_starts_at),
                "period_ends_at": iso(usage.period_ends_at),
                "committed": _number(usage.plan.committed),
                "used": _number(usage.used),
                "remaining": _number(usage.remaining),
                "percent": usage.percent,
                "month": _number(usage.month),
                "year_to_date": _number(usage.year_to_date),
                "usages": [_usage_fields(known) for known in usage.usages],
            }
            for usage in report.plans
        ],
        "unmapped": [_usage_fields(usage) for usage in report.unmapped],
        "quality": {
            "clean": quality.clean,
            "quarantined": quality.quarantined,
            "conflicts": quality.conflicts,
            "pending_bytes": quality.pending_bytes,
            "vanished": quality.vanished,
            "findings": dict(quality.findings),
            "unmapped_meters": list(quality.unmapped_meters),
        },
    }


def report_csv(report: MonthlyReport) -> str:
    """One line for each container and meter, with the plan it draws on, if any; columns are found by their names."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ("month", "plan", "unit", "container_type", "container_id", "meter", "quantity", "year_to_date", "records")
    )
    lines = [(usage.plan.name, usage.plan.unit, known) for usage in report.plans for known in usage.usages]
    for plan, unit, usage in [*lines, *(("", "", usage) for usage in report.unmapped)]:
        writer.writerow(
            _unspreadsheeted(value)
            for value in (
                str(report.month),
                plan,
                unit,
                usage.container_type,
                usage.container_id,
                usage.meter,
                from_micro(usage.month),
                from_micro(usage.year_to_date),
                usage.records,
            )
        )
    return text.getvalue().rstrip("\n")


def _unspreadsheeted(value: object) -> object:
    """Text that a spreadsheet would take for a formula gets an apostrophe in front. Source: OWASP, CSV injection."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t")) else value
