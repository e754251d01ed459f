"""The words of a report that its text and its page share."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from fractions import Fraction
from typing import NamedTuple

from licensing.core.text import plural
from usage.intake.findings import KINDS
from usage.months import Month
from usage.plans.model import MeterShare, Rule
from usage.quantity import MICRO, group_digits, parts_for_people, percent, used_for_people
from usage.reporting.forecast import Cover, Outlook, Pace, Projection
from usage.reporting.plan_usage import PlanUsage
from usage.reporting.quality import IdleRule, Quality
from usage.reporting.report import MonthlyReport, Months
from usage.reporting.subtotals import By, Subtotal, Subtotals

UNFROZEN = "Closed by an earlier azlic: its plans are frozen with the next azlic close"
"""What is said of a closed month whose plans may still change."""


class Section(NamedTuple):
    """A part of a report: its title, notes, and a table; ``>`` is before headings over numbers, ``~`` over names."""

    title: str
    notes: list[str]
    headings: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()


def day(instant: datetime) -> str:
    """The day of an instant."""
    return f"{instant:%Y-%m-%d}"


def share_words(share: MeterShare, unit: str) -> str:
    """A meter's ratio in words."""
    if share.multiplier == share.divisor == 1:
        return f"1 is 1 {unit}"
    return f"{share.divisor:,} are {share.multiplier:,} {unit}"


METERS_UNIT = "meter's unit"
"""The unit of a quantity that nobody has stated: it is the meter's own."""


def unit_of(share: MeterShare, unit: str) -> str:
    """A meter's own unit, in terms of its plan's: 1/3600 Hour."""
    if share.ratio == 1:
        return unit
    return f"{share.multiplier}/{share.divisor} {unit}" if share.divisor > 1 else f"{share.multiplier} {unit}"


def drawn_words(usage: PlanUsage, meter: str, month: Month) -> str:
    """The unit that a meter's rows are in, and what they come to in the plan's; each ratio with its first month."""
    unit, ratios = usage.plan.unit, usage.ratios[meter]
    rules = f"; {told}" if (told := rules_of_meter(usage, meter)) else ""
    if all(ratio.share.ratio == 1 for ratio in ratios):
        return f"in {unit}{rules}"
    mine = [amounts for row, amounts in zip(usage.usages, usage.amounts, strict=True) if row.meter == meter]
    in_month = group_digits(used_for_people(sum(amounts.month for amounts in mine)))
    in_period = group_digits(used_for_people(sum(amounts.period for amounts in mine)))
    ways = [f"{one.share.divisor:,} of its own unit are {one.share.multiplier:,} {unit}" for one in ratios]
    if len(ratios) > 1:
        ways = [f"from {one.since} {words}" for one, words in zip(ratios, ways, strict=True)]
    return f"{'; '.join(ways)}: {in_month} {unit} in {month}, {in_period} {unit} in the period{rules}"


def outlook_words(usage: PlanUsage) -> list[tuple[str, str]]:
    """The pace of a plan and where it leads, each by its name."""
    told = [("pace", _pace(usage.pace, usage.plan.unit))]
    if usage.used_up_on is not None:
        told.append(("used up", f"on {day(usage.used_up_on)}"))
    if usage.projection is not None:
        if usage.used_up_on is None:
            told.append(("runs out", _runs_out(usage.projection)))
        told.append(("by its end", _by_its_end(usage.projection, usage)))
    covers = (("cover now", usage.cover), ("cover then", usage.projected_cover))
    return told + [(name, _cover(cover, usage)) for name, cover in covers if cover is not None]


def _pace(pace: Pace | None, unit: str) -> str:
    if pace is None:
        return "not known before a whole week of use"
    if pace.lowest is None or pace.highest is None:
        return f"{round_estimate(pace.per_day)} {unit} a day over one whole week; no range from a single week"
    span = f"({round_estimate(pace.lowest)} to {round_estimate(pace.highest)})"
    return f"{round_estimate(pace.per_day)} {unit} a day over {pace.weeks} whole weeks {span}"


def _runs_out(projection: Projection) -> str:
    told = _when(projection.expected)
    if projection.least is None or projection.most is None:
        return told
    earliest, latest = _when(projection.most), _when(projection.least)
    return told if earliest == latest else f"{told} (earliest {earliest}, latest {latest})"


def _when(outlook: Outlook) -> str:
    return "after its end" if outlook.runs_out_at is None else day(outlook.runs_out_at)


def _by_its_end(projection: Projection, usage: PlanUsage) -> str:
    used = projection.expected.used
    told = f"{round_estimate(used)} {usage.plan.unit} used, {percent(used, usage.committed):,} %"
    if projection.least is None or projection.most is None:
        return told
    return f"{told} ({round_estimate(projection.least.used)} to {round_estimate(projection.most.used)})"


def _cover(cover: Cover, usage: PlanUsage) -> str:
    full = (
        f"{round_estimate(cover.overage)} over: {cover.full:,} {_units(cover.full)} of {group_digits(usage.plan.quota)}"
    )
    return full if cover.prorated is None else f"{full}; pro-rated from {day(usage.counted_until)}: {cover.prorated:,}"


def _units(count: int) -> str:
    return "unit" if count == 1 else "units"


NO_RESOURCE = "no known resource"
"""What stands for the resource of what was used where none is known."""


class SubtotalRow(NamedTuple):
    """A subtotal under the name it is shown by; ``shown`` are its amounts as people are shown them, which add up."""

    title: str
    name: str
    exact: Subtotal
    shown: tuple[int, ...]


def subtotal_tables(found: Subtotals, *, converted: bool) -> list[tuple[By, list[SubtotalRow]]]:
    """The subtotals worth telling; those in a plan's unit are ``converted``, those in a meter's stay as reported."""
    tables = []
    for by, sums in found.told:
        spans = list(zip(*(one.amounts for one in sums.values()), strict=True))
        shown = zip(*(parts_for_people(span) if converted else span for span in spans), strict=True)
        nameless = "-" if by == "site" else NO_RESOURCE
        rows = [
            SubtotalRow(name or nameless, name, exact, amounts)
            for (name, exact), amounts in zip(sums.items(), shown, strict=True)
        ]
        tables.append((by, rows))
    return tables


def rule_words(rules: Iterable[Rule]) -> str:
    """The rules that decided, as they are entered; empty where none had to."""
    found = {f"--{rule.scope} {rule.value}" for rule in rules}
    return f"by rule {', '.join(sorted(found))}" if found else ""


def rules_of_meter(usage: PlanUsage, meter: str) -> str:
    """The rules that gave a plan what was used of a meter that several plans have."""
    rows = zip(usage.usages, usage.rules, strict=True)
    return rule_words(rule for row, rules in rows if row.meter == meter for rule in rules)


def undecided_words(report: MonthlyReport, meter: str) -> str:
    """Why a meter's use is undecided."""
    plans = ", ".join(report.candidates[meter])
    return f"plans {plans} have this meter, and no rule says which of them takes this: azlic plan rule add"


def unmapped_words(report: MonthlyReport, meter: str) -> str:
    """Why a meter's use draws on no plan."""
    plans = report.other_times.get(meter)
    why = f"used outside the time of plan {', '.join(plans)}" if plans else "no plan has this meter: azlic plan map"
    return f"in the {METERS_UNIT}; {why}"


class MonthSeries(NamedTuple):
    """Twelve months of use that belong together: in a plan's unit or in a meter's own.

    ``shown`` are the quantities as people are shown them: in a plan's unit they add up, from any month to the last, to
    what is shown of the whole; what is in the meter's unit was reported so, and stays.
    """

    title: str
    unit: str
    months: Months
    shown: list[int]


def month_series(report: MonthlyReport) -> list[MonthSeries]:
    """All use of the last twelve months, each in one place."""
    series = []
    for plan, months in report.plan_months:
        shown = parts_for_people(micro for _, micro in reversed(months))
        series.append(MonthSeries(f"Plan {plan.name}", plan.unit, months, shown[::-1]))
    for meter, months in report.unmapped_history.items():
        series.append(MonthSeries(f"{meter}, on no plan", METERS_UNIT, months, [micro for _, micro in months]))
    return series


def round_estimate(micro: int | Fraction) -> str:
    """A quantity that is an estimate: to whole units, below ten to two decimals."""
    number = float(micro / MICRO)
    return f"{number:,.0f}" if abs(number) >= 10 else f"{number:,.2f}".rstrip("0").rstrip(".")


def open_counts(quality: Quality) -> list[tuple[int, str]]:
    """How many of each thing that is to be looked into; only what there is."""
    undecided = ", ".join(quality.undecided_meters)
    counts = [
        (quality.quarantined, "line", " in quarantine, not counted: azlic quarantine list"),
        (quality.conflicts, "conflict", ": a known id with other content, not counted"),
        (quality.ahead, "record", " dated over a day ahead, not counted: azlic quarantine list"),
        (quality.pending_bytes, "byte", " of unfinished lines, not counted yet"),
        (quality.vanished, "missing source", ""),
        (quality.missing_records, "record", " of chained containers not arrived"),
        (len(quality.undecided_meters), "meter", f" undecided between plans: {undecided}"),
        (len(quality.unmapped_meters), "meter", " on no plan, or used outside its time"),
    ]
    found = [(count, f"{plural(count, one)}{rest}") for count, one, rest in counts if count]
    kinds = ((count, f"{KINDS.get(kind, kind)}: azlic findings list") for kind, count in quality.findings.items())
    audit = [(1, f"{quality.failed_audit}: azlic audit")] if quality.failed_audit else []
    return [*audit, *found, *_counted_ahead(quality), *kinds]


def _counted_ahead(quality: Quality) -> list[tuple[int, str]]:
    return [
        (
            one.records,
            f"{plural(one.records, 'record')} dated {one.month}, ahead of the clock: {one.amount}: {one.look}",
        )
        for one in quality.counted_ahead
    ]


def idle_words(one: IdleRule) -> str:
    """A rule that decides nothing, as it is entered, and its plan."""
    return f"--{one.scope} {one.value} of plan {one.plan}"


def other_counts(quality: Quality) -> list[tuple[int, str]]:
    """How many of each thing that keeps nothing out: rules that decide nothing, what is settled; only what there is."""
    counts = [
        (len(quality.idle_rules), "rule", f" with no use so far: {', '.join(map(idle_words, quality.idle_rules))}"),
        (quality.settled, "line", " kept apart, settled"),
        (quality.settled_findings, "finding", ", settled"),
    ]
    return [(count, f"{plural(count, one)}{rest}") for count, one, rest in counts if count]
