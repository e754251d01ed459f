"""A monthly report for documents: Markdown."""

import re
from collections.abc import Iterable, Sequence

from azlic.render.closed_months import late_parts
from azlic.render.table import align
from azlic.render.words import share_words
from licensing.core.instants import iso
from usage.quantity import group_digits
from usage.reporting.activity import Activity
from usage.reporting.daily import Apart, Usage
from usage.reporting.plan_usage import PlanUsage
from usage.reporting.report import MonthlyReport


def report_markdown(report: MonthlyReport) -> str:
    """The report as Markdown tables."""
    parts = [f"# Usage report {report.month}", f"As of {iso(report.as_of)}."]
    if report.closed is not None:
        why = f" Something was open: {_cell(report.closed.reason)}" if report.closed.reason else ""
        parts += [f"Closed at {iso(report.closed.closed_at)}, head `{report.closed.head.hex()}`.{why}"]
    for usage in report.plans:
        parts += [f"## Plan {_cell(usage.plan.name)}", _plan_table(usage), _use_table(usage)]
    if not report.plans:
        parts += ["No plan covers this month."]
    if report.unmapped:
        parts += ["## On no plan", _table(_UNMAPPED, map(_row_without_plan, report.unmapped))]
    if apart := late_parts(report):
        parts += ["## Late and corrected", "Included above, though it belongs to the months named here."]
        parts += [_table(_APART, (_apart_row(row, part) for row, part in apart))]
    parts += ["## Containers", _container_table(report)] if report.containers else []
    return "\n\n".join([*parts, "## Quality", _quality_table(report)])


_APART = ("kind", "of month", "site", "container", "meter", ">quantity", ">records")


_UNMAPPED = ("site", "container", "meter", ">month", ">year to date", ">records", "last record")


def _plan_table(usage: PlanUsage) -> str:
    over = usage.remaining < 0
    rows = [
        ("committed", usage.committed),
        ("used", usage.used),
        ("overage" if over else "remaining", abs(usage.remaining)),
        ("in the month", usage.month),
        ("year to date", usage.year_to_date),
    ]
    expected = usage.projection.expected if usage.projection else None
    facts = [
        ("period", f"{usage.period_starts_at:%Y-%m-%d} up to {usage.period_ends_at:%Y-%m-%d}"),
        ("percent used", f"{usage.percent:.1f}"),
        ("percent of time gone", f"{usage.percent_of_time:.1f}"),
        ("used up on", f"{usage.used_up_on:%Y-%m-%d}" if usage.used_up_on else "-"),
        ("projected to last until", f"{expected.runs_out_at:%Y-%m-%d}" if expected and expected.runs_out_at else "-"),
    ]
    quantities = zip((name for name, _ in rows), align([micro for _, micro in rows]), strict=True)
    return _table((f"{usage.plan.plan_type} {usage.plan.tier}", f">{usage.plan.unit}"), [*quantities, *facts])


def _use_table(usage: PlanUsage) -> str:
    shares = {share.meter: share for share in usage.plan.meters}
    rows = [
        (
            row.site or "-",
            row.container_id,
            row.meter,
            share_words(shares[row.meter], usage.plan.unit),
            group_digits(row.month),
            group_digits(row.period),
            f"{row.records:,}",
            iso(row.last_at),
        )
        for row in usage.usages
    ]
    return _table(("site", "container", "meter", "ratio", ">month", ">period", ">records", "last record"), rows)


def _row_without_plan(row: Usage) -> Sequence[str]:
    quantities = group_digits(row.month), group_digits(row.year_to_date), f"{row.records:,}"
    return row.site or "-", row.container_id, row.meter, *quantities, iso(row.last_at)


def _apart_row(row: Usage, part: Apart) -> Sequence[str]:
    place = row.site or "-", row.container_id, row.meter
    return part.kind.value, str(part.month), *place, group_digits(part.quantity), f"{part.records:,}"


def _container_table(report: MonthlyReport) -> str:
    rows = [
        (one.site or "-", one.container_id, iso(one.last_at), f"{one.quiet_days}", one.standing.value)
        for one in report.containers
        if one.standing is not Activity.GONE
    ]
    return _table(("site", "container", "last record", ">days without", "standing"), rows)


def _quality_table(report: MonthlyReport) -> str:
    quality = report.quality
    rows = [
        ("lines in quarantine", quality.quarantined),
        ("conflicts", quality.conflicts),
        ("settled lines and findings", quality.settled + quality.settled_findings),
        ("records still missing", quality.missing_records),
        ("bytes of unfinished lines", quality.pending_bytes),
        ("sources that are gone", quality.vanished),
        *((f"finding: {kind}", count) for kind, count in quality.findings.items()),
        *((f"meter on no plan: {meter}", 1) for meter in quality.unmapped_meters),
    ]
    return _table(("what", ">number"), [(what, f"{count:,}") for what, count in rows])


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a heading that begins with ``>`` stands over numbers."""
    lines = [[heading.lstrip(">") for heading in headings]]
    lines += [["---:" if heading.startswith(">") else "---" for heading in headings]]
    lines += [[_cell(text) for text in row] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(text: str) -> str:
    """Text that stays one cell and is shown as it is."""
    return re.sub(r"([\\`*_{}\[\]<>#|~&])", r"\\\1", text.replace("\n", " "))
