"""A monthly report for people, 80 columns wide."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby

from rich.console import RenderableType
from rich.text import Text

from azlic.lines import cells, joined, terminal_width
from azlic.render.closed_months import closing_lines, late_lines
from azlic.render.plans import headline
from azlic.render.report.quality import containers_lines, quality_lines, strike_lines
from azlic.render.table import align, columns, indent, render_text
from azlic.render.text import indented
from azlic.render.words import (
    MonthSeries,
    SubtotalRow,
    day,
    drawn_words,
    month_series,
    outlook_words,
    subtotal_tables,
    undecided_words,
    unmapped_words,
)
from licensing.core.instants import iso
from usage.months import Month
from usage.quantity import left_for_people, used_for_people
from usage.reporting.daily import Usage
from usage.reporting.plan_usage import PlanUsage
from usage.reporting.report import MonthlyReport
from usage.reporting.subtotals import Subtotals

_LONGEST_BAR, _SHORTEST_BAR = 40, 8
_BESIDE_BAR = 2 + len("2026-03") + 2 + 2 + len(" so far")
_LABEL = 12


def report_text(report: MonthlyReport, *, block: str = "█") -> str:
    """The report for people; ``block`` is what bars are drawn with."""
    parts: list[RenderableType] = [
        Text(f"Usage report {report.month}, as of {iso(report.as_of)}", style="bold"),
        *closing_lines(report.closed),
        Text(),
    ]
    for plan in report.plans:
        parts += [*_plan(plan, report.month), Text()]
    if not report.plans:
        parts += [
            Text("No plan covers this month. Enter one with: azlic plan import LICENSE, or azlic plan add"),
            Text(),
        ]
    if report.undecided:
        parts += [*_undecided(report), Text()]
    if report.unmapped:
        parts += [*_without_plan(report), Text()]
    parts += late_lines(report)
    parts += _history(report, block)
    if report.containers:
        parts += [*containers_lines(report.containers), Text()]
    return render_text([*parts, quality_lines(report.quality), *strike_lines(report.strikes)])


def _plan(usage: PlanUsage, month: Month) -> list[RenderableType]:
    return [headline(usage.plan), _standing(usage, month), _outlook(usage), Text(), *_drawn_quantities(usage, month)]


def _standing(usage: PlanUsage, month: Month) -> RenderableType:
    rows = [
        (
            "committed",
            usage.committed,
            f"from {day(usage.period_starts_at)} up to {day(usage.period_ends_at)} UTC",
        ),
        (
            "used",
            used_for_people(usage.used),
            f"{usage.percent:,} % used, {usage.percent_of_time:,} % of the time gone",
        ),
        ("remaining", left_for_people(usage.remaining), "")
        if usage.remaining >= 0
        else ("overage", used_for_people(-usage.remaining), "more than was committed"),
        (f"in {month}", used_for_people(usage.month), ""),
        ("year to date", used_for_people(usage.year_to_date), f"from {month.year}-01-01"),
    ]
    table = columns("", f">{usage.plan.unit}", "~", first=_LABEL)
    for (name, _, note), quantity in zip(rows, align([row[1] for row in rows]), strict=True):
        over = "red" if usage.remaining < 0 and name in ("used", "overage") else ""
        table.add_row(name, quantity, note, style=over)
    return indent(table)


def _outlook(usage: PlanUsage) -> RenderableType:
    table = columns("", "~", first=_LABEL)
    for name, words in outlook_words(usage):
        table.add_row(name, words, style="red" if name == "used up" else "")
    return indent(table)


def _drawn_quantities(usage: PlanUsage, month: Month) -> list[RenderableType]:
    parts: list[RenderableType] = []
    for meter, rows in _by_meter(usage.usages):
        parts += [_words(meter, drawn_words(usage, meter, month)), _rows(rows, str(month), "period")]
    tables = subtotal_tables(usage.subtotals, converted=True)
    spans = (str(month), "period", "year to date")
    for by, sums in tables:
        parts += [Text(), _subtotals(f"by {by}, in {usage.plan.unit}", sums, spans, 2)]
    return parts


def _subtotals(title: str, rows: Sequence[SubtotalRow], spans: Sequence[str], spaces: int = 4) -> RenderableType:
    table = columns(f"~{title}", *(f">{span}" for span in spans), ">records")
    amounts = zip(*(align(span) for span in zip(*(row.shown for row in rows), strict=True)), strict=True)
    for row, shown in zip(rows, amounts, strict=True):
        table.add_row(row.title, *shown, f"{row.exact.records:,}")
    return indent(table, spaces)


def _on_none(found: Subtotals, month: Month) -> list[RenderableType]:
    tables = subtotal_tables(found, converted=False)
    return [_subtotals(f"by {by}", rows, (str(month), "year to date")) for by, rows in tables]


def _words(meter: str, words: str) -> Text:
    return Text(joined([f"  {meter}", *indented(words)]))


def _undecided(report: MonthlyReport) -> list[RenderableType]:
    parts: list[RenderableType] = [Text("Undecided between plans", style="bold")]
    for meter, rows in _by_meter(report.undecided):
        parts += [_words(meter, undecided_words(report, meter)), _rows(rows, str(report.month), "year to date")]
        parts += _on_none(report.undecided_subtotals[meter], report.month)
    return parts


def _without_plan(report: MonthlyReport) -> list[RenderableType]:
    parts: list[RenderableType] = [Text("On no plan", style="bold")]
    for meter, rows in _by_meter(report.unmapped):
        parts += [
            _words(meter, unmapped_words(report, meter)),
            _rows(rows, str(report.month), "year to date"),
            *_on_none(report.unmapped_subtotals[meter], report.month),
        ]
    return parts


def _by_meter(rows: Iterable[Usage]) -> list[tuple[str, list[Usage]]]:
    ordered = sorted(rows, key=lambda row: row.meter)
    return [(meter, list(same)) for meter, same in groupby(ordered, key=lambda row: row.meter)]


def _rows(rows: Sequence[Usage], month: str, span: str) -> RenderableType:
    table = columns("~site", "~container", f">{month}", ">records", f">{span}", "last record")
    in_month = align([row.month for row in rows])
    in_span = align([row.period if span == "period" else row.year_to_date for row in rows])
    for row, first, second in zip(rows, in_month, in_span, strict=True):
        table.add_row(row.site or "-", row.container_id, first, f"{row.records:,}", second, _minute(row.last_at))
    return indent(table, 4)


def _history(report: MonthlyReport, block: str) -> list[RenderableType]:
    bars = [part for series in month_series(report) for part in (*_bars(series, report, block), Text())]
    return [Text("Twelve months", style="bold"), *bars] if bars else []


def _bars(series: MonthSeries, report: MonthlyReport, block: str) -> list[RenderableType]:
    longest = max(1, *(quantity for _, quantity in series.months))
    shown = align(series.shown)
    room = terminal_width() - _BESIDE_BAR - max(cells(text) for text in (series.unit, *shown))
    bar = min(_LONGEST_BAR, max(_SHORTEST_BAR, room))
    table = columns("", f">{series.unit}", "")
    for (month, micro), quantity in zip(series.months, shown, strict=True):
        so_far = " so far" if month.starts_at <= report.as_of < month.next.starts_at else ""
        table.add_row(str(month), quantity, block * -(-micro * bar // longest) + so_far)
    return [Text(f"  {series.title}"), indent(table)]


def _minute(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M}"
