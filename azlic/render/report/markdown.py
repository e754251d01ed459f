"""A monthly report for documents: Markdown."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from azlic.render.closed_months import late_parts
from azlic.render.table import align
from azlic.render.words import (
    METERS_UNIT,
    UNFROZEN,
    day,
    idle_words,
    month_series,
    rule_words,
    subtotal_tables,
    undecided_words,
    unit_of,
)
from licensing.core.instants import iso
from licensing.core.text import printable
from licensing.verdict.seen import strike_words
from usage.ledger.checkpoints import head_text
from usage.quantity import group_digits, left_for_people, parts_for_people, used_for_people
from usage.reporting.activity import Activity
from usage.reporting.daily import Apart, Usage
from usage.reporting.plan_usage import PlanUsage
from usage.reporting.report import MonthlyReport
from usage.reporting.subtotals import Subtotals


def report_markdown(report: MonthlyReport) -> str:
    """The report as Markdown tables."""
    parts = [f"# Usage report {report.month}", f"As of {iso(report.as_of)}."]
    if report.closed is not None:
        why = f" Something was open: {cell_text(report.closed.reason)}" if report.closed.reason else ""
        parts += [f"Closed at {iso(report.closed.closed_at)}, head `{head_text(report.closed.head)}`.{why}"]
        parts += [] if report.closed.frozen else [f"{UNFROZEN}."]
    for usage in report.plans:
        parts += [f"## Plan {cell_text(usage.plan.title)}", _plan_table(usage), _use_table(usage)]
        parts += [f"Given to this plan {cell_text(rules)}."] if (rules := rule_words(chain(*usage.rules))) else []
        parts += _subtotals(usage.subtotals, ("in the month", "in the period", "year to date"), usage.plan.unit)
    if not report.plans:
        parts += ["No plan covers this month."]
    for meter in report.candidates:
        rows = [row for row in report.undecided if row.meter == meter]
        parts += [f"## Undecided: {cell_text(meter)}", cell_text(undecided_words(report, meter))] if rows else []
        parts += [markdown_table(_UNMAPPED, map(_row_without_plan, rows))] if rows else []
        parts += _on_none(meter, report.undecided_subtotals) if rows else []
    if report.unmapped:
        parts += ["## On no plan", markdown_table(_UNMAPPED, map(_row_without_plan, report.unmapped))]
        for meter in report.unmapped_subtotals:
            parts += _on_none(meter, report.unmapped_subtotals)
    if apart := late_parts(report):
        parts += ["## Late and corrected", "Included above, though it belongs to the months named here."]
        parts += [markdown_table(_APART, (_apart_row(row, part) for row, part in apart))]
    if month_series(report):
        parts += ["## Twelve months", _months_table(report)]
    parts += ["## Containers", _container_table(report)] if report.containers else []
    struck = [cell_text(strike_words(one)) for one in report.strikes]
    return "\n\n".join([*parts, "## Quality", _quality_table(report), *struck])


_APART = ("kind", "of month", "site", "container", "meter", f">in the {METERS_UNIT}", ">records")


_UNMAPPED = ("site", "container", "meter", ">month", ">year to date", "unit", ">records", "last record")


def _plan_table(usage: PlanUsage) -> str:
    over = usage.remaining < 0
    rows = [
        ("committed", usage.committed),
        ("used", used_for_people(usage.used)),
        ("overage", used_for_people(-usage.remaining)) if over else ("remaining", left_for_people(usage.remaining)),
        ("in the month", used_for_people(usage.month)),
        ("year to date", used_for_people(usage.year_to_date)),
    ]
    expected = usage.projection.expected if usage.projection else None
    facts = [
        ("period", f"{day(usage.period_starts_at)} up to {day(usage.period_ends_at)}", ""),
        ("part used", f"{usage.percent:,}", "%"),
        ("time gone", f"{usage.percent_of_time:,}", "%"),
        ("used up on", day(usage.used_up_on) if usage.used_up_on else "-", ""),
        ("projected to last until", day(expected.runs_out_at) if expected and expected.runs_out_at else "-", ""),
    ]
    quantities = zip((name for name, _ in rows), align([micro for _, micro in rows]), strict=True)
    figures = [(name, quantity, usage.plan.unit) for name, quantity in quantities]
    return markdown_table((f"{usage.plan.plan_type} {usage.plan.tier}", ">", "unit"), [*figures, *facts])


def _use_table(usage: PlanUsage) -> str:
    """The rows in their meters' units, and in the plan's where these differ."""
    unit = usage.plan.unit
    both = any(usage.share_of(row.meter).ratio != 1 for row in usage.usages)
    in_month = parts_for_people(amounts.month for amounts in usage.amounts)
    in_period = parts_for_people(amounts.period for amounts in usage.amounts)
    rows = []
    for row, *drawn in zip(usage.usages, in_month, in_period, strict=True):
        own = group_digits(row.month), group_digits(row.period), unit_of(usage.share_of(row.meter), unit)
        spans = map(group_digits, drawn if both else ())
        place = row.site or "-", row.container_id, row.meter
        rows.append((*place, *own, *spans, f"{row.records:,}", iso(row.last_at)))
    named = (f">month in {unit}", f">period in {unit}") if both else ()
    headings = "site", "container", "meter", ">month", ">period", "unit", *named, ">records", "last record"
    return markdown_table(headings, rows)


def _on_none(meter: str, found: Mapping[str, Subtotals]) -> list[str]:
    tables = _subtotals(found[meter], ("in the month", "year to date"))
    return [f"Of {cell_text(meter)}:", *tables] if tables else []


def _subtotals(found: Subtotals, spans: Sequence[str], unit: str = "") -> list[str]:
    """Tables of the subtotals worth telling; without a plan's unit they are in the meter's."""
    headings = (*(f">{span}" for span in spans), "unit", ">records")
    return [
        markdown_table(
            (f"by {by}", *headings),
            [(row.title, *map(group_digits, row.shown), unit or METERS_UNIT, f"{row.exact.records:,}") for row in rows],
        )
        for by, rows in subtotal_tables(found, converted=bool(unit))
    ]


def _months_table(report: MonthlyReport) -> str:
    series = month_series(report)
    headings = [f">{one.title} ({one.unit})" for one in series]
    months = [str(month) for month, _ in series[0].months]
    return markdown_table(
        ("month", *headings), zip(months, *(map(group_digits, one.shown) for one in series), strict=True)
    )


def _row_without_plan(row: Usage) -> Sequence[str]:
    quantities = group_digits(row.month), group_digits(row.year_to_date), METERS_UNIT, f"{row.records:,}"
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
    return markdown_table(("site", "container", "last record", ">days without", "standing"), rows)


def _quality_table(report: MonthlyReport) -> str:
    quality = report.quality
    rows = [
        *([(quality.failed_audit, 1)] if quality.failed_audit else []),
        ("lines in quarantine", quality.quarantined),
        ("conflicts", quality.conflicts),
        ("records dated ahead", quality.ahead),
        *(
            (f"records dated {one.month}, ahead of the clock: {one.amount}", one.records)
            for one in quality.counted_ahead
        ),
        ("settled lines and findings", quality.settled + quality.settled_findings),
        ("records still missing", quality.missing_records),
        ("bytes of unfinished lines", quality.pending_bytes),
        ("sources that are gone", quality.vanished),
        *((f"finding: {kind}", count) for kind, count in quality.findings.items()),
        *((f"meter undecided between plans: {meter}", 1) for meter in quality.undecided_meters),
        *((f"meter on no plan: {meter}", 1) for meter in quality.unmapped_meters),
        *((f"rule with no use so far: {idle_words(one)}", 1) for one in quality.idle_rules),
    ]
    return markdown_table(("what", ">number"), [(what, f"{count:,}") for what, count in rows])


def markdown_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a heading that begins with ``>`` stands over numbers."""
    lines = [[cell_text(heading.removeprefix(">")) for heading in headings]]
    lines += [["---:" if heading.startswith(">") else "---" for heading in headings]]
    lines += [[cell_text(text) for text in row] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell_text(text: str) -> str:
    """Text that stays one cell and is shown as it is."""
    return re.sub(r"([\\`*_{}\[\]<>#|~&])", r"\\\1", printable(text.replace("\n", " ")))
