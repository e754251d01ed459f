"""The monthly report as a page: one file that asks for nothing, to be read on a screen and printed on A4."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from azlic.render.words import (
    MonthSeries,
    Section,
    SubtotalRow,
    drawn_words,
    month_series,
    open_counts,
    other_counts,
    outlook_words,
    round_estimate,
    subtotal_tables,
    undecided_words,
    unmapped_words,
)
from azlic.web.pages.charts import BurnDownChart, MonthBars, burn_down_charts, month_bars
from azlic.web.pages.templates import instant_words, render_page, style
from licensing.verdict.seen import strike_words
from usage.ledger.checkpoints import Head
from usage.months import Month, is_midnight
from usage.quantity import group_digits, left_for_people
from usage.reporting.activity import Activity, ContainerActivity
from usage.reporting.burndown import BurnDown, Level
from usage.reporting.daily import Usage
from usage.reporting.plan_usage import PlanUsage
from usage.reporting.quality import Quality
from usage.reporting.report import MonthlyReport
from usage.reporting.subtotals import By, Subtotals

Rows = list[tuple[str, str, list[Usage]]]
Tables = list[tuple[By, list[SubtotalRow]]]


@dataclass(frozen=True, slots=True)
class PlanView:
    """A plan as its template shows it."""

    id: str
    usage: PlanUsage
    outlook: list[tuple[str, str]]
    burn_downs: list[BurnDownChart]
    description: str
    milestones: list[Level]
    expected: list[tuple[datetime, str, str]]
    meters: Rows
    subtotals: Tables


@dataclass(frozen=True, slots=True)
class ReportView:
    """A report as its template shows it. ``note`` is the signed checkpoint; ``unsigned`` says why there is none."""

    month: Month
    as_of: datetime
    site: str
    plans: list[PlanView]
    undecided: Rows
    unmapped: Rows
    undecided_subtotals: dict[str, Tables]
    unmapped_subtotals: dict[str, Tables]
    months: list[tuple[MonthSeries, list[MonthBars]]]
    containers: list[ContainerActivity]
    gone: int
    quality: Quality
    quality_counts: list[tuple[int, str]]
    strikes: list[str]
    head: Head
    note: str | None
    unsigned: str


def report_html(view: ReportView) -> str:
    """The report as one file: no script, no picture or font from elsewhere, and a policy that allows none."""
    sheet, digest = style()
    return render_page("report.html", view=view, style=sheet, style_hash=digest)


def span_html(sections: Sequence[Section]) -> str:
    """The report on a span as one file, under the same policy."""
    sheet, digest = style()
    return render_page("span.html", sections=sections, style=sheet, style_hash=digest)


def report_view(
    report: MonthlyReport,
    courses: Sequence[BurnDown],
    head: Head,
    *,
    site: str = "",
    note: str | None = None,
    unsigned: str = "",
) -> ReportView:
    """What a page shows of a report."""
    present = [one for one in report.containers if one.standing is not Activity.GONE]
    return ReportView(
        month=report.month,
        as_of=report.as_of,
        site=site,
        plans=[
            _plan(number, usage, levels, report.month)
            for number, (usage, levels) in enumerate(zip(report.plans, courses, strict=True), 1)
        ],
        undecided=[(meter, undecided_words(report, meter), rows) for meter, rows in _by_meter(report.undecided)],
        unmapped=[(meter, unmapped_words(report, meter), rows) for meter, rows in _by_meter(report.unmapped)],
        undecided_subtotals=_on_none(report.undecided_subtotals),
        unmapped_subtotals=_on_none(report.unmapped_subtotals),
        months=[(series, month_bars(series.months, report.as_of)) for series in month_series(report)],
        containers=present,
        gone=len(report.containers) - len(present),
        quality=report.quality,
        quality_counts=[*open_counts(report.quality), *other_counts(report.quality)],
        strikes=[strike_words(one) for one in report.strikes],
        head=head,
        note=note,
        unsigned=unsigned,
    )


def _plan(number: int, usage: PlanUsage, levels: BurnDown, month: Month) -> PlanView:
    return PlanView(
        id=f"plan-{number}",
        usage=usage,
        outlook=outlook_words(usage),
        burn_downs=burn_down_charts(usage, levels),
        description=_description(usage),
        milestones=_milestones(usage, levels),
        expected=_expectation(usage),
        meters=[(meter, drawn_words(usage, meter, month), rows) for meter, rows in _by_meter(usage.usages)],
        subtotals=subtotal_tables(usage.subtotals, converted=True),
    )


def _on_none(found: Mapping[str, Subtotals]) -> dict[str, Tables]:
    return {meter: subtotal_tables(one, converted=False) for meter, one in found.items()}


def _description(usage: PlanUsage) -> str:
    told = [f"{name}: {words}." for name, words in outlook_words(usage)]
    left = group_digits(left_for_people(usage.remaining))
    left = f"{left} of {group_digits(usage.committed)} {usage.plan.unit} are left"
    return " ".join([f"{left} on {instant_words(usage.counted_until)}.", *told])


def _milestones(usage: PlanUsage, levels: Sequence[Level]) -> list[Level]:
    """The levels at the ends of months, of a period of one month at the ends of weeks, and the last one."""
    if usage.plan.period == "month":
        marks = [level for number, level in enumerate(levels) if number % 7 == 0]
    else:
        marks = [level for level in levels if level.at.day == 1 and is_midnight(level.at)]
    first = levels[:1] if levels[0] not in marks else ()
    last = levels[-1:] if levels[-1] not in marks else ()
    return [*first, *marks, *last]


def _expectation(usage: PlanUsage) -> list[tuple[datetime, str, str]]:
    if usage.projection is None:
        return []
    used = usage.projection.expected.used
    return [(usage.period_ends_at, round_estimate(used), round_estimate(usage.committed - used).replace("-", "\u2212"))]


def _by_meter(rows: Sequence[Usage]) -> list[tuple[str, list[Usage]]]:
    ordered: Any = sorted(rows, key=lambda row: row.meter)
    return [
        (meter, sorted(same, key=lambda row: -row.month)) for meter, same in groupby(ordered, lambda row: row.meter)
    ]
