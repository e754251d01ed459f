"""A report on a span: sections for text, Markdown and page; CSV and JSON of its smallest sums."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from rich.console import RenderableType
from rich.text import Text

from azlic.lines import wrap
from azlic.render.answer import Answer
from azlic.render.counts import counted_ahead_fields
from azlic.render.report.csv import harmless, rules_cell, undecided_cell
from azlic.render.report.json import rule_fields, subtotals_fields
from azlic.render.report.markdown import cell_text, markdown_table
from azlic.render.table import align, columns, indent, render_text
from azlic.render.words import (
    METERS_UNIT,
    Section,
    day,
    open_counts,
    other_counts,
    rule_words,
    subtotal_tables,
    unit_of,
)
from licensing.core.instants import iso
from usage.months import Month
from usage.plans.model import Plan
from usage.quantity import (
    from_micro,
    group_digits,
    left_for_people,
    parts_for_people,
    percent,
    used_for_people,
)
from usage.reporting.daily import UseKind
from usage.reporting.span import Cell, SpanPeriod, SpanReport, subtotals_of


def sections(report: SpanReport) -> list[Section]:
    """The report, part by part."""
    told = [_opening(report)]
    rows: list[Sequence[str]]
    if choice_words(report):
        left = align([one.quantity for one in report.left_out])
        rows = [(one.meter, shown, f"{one.records:,}") for one, shown in zip(report.left_out, left, strict=True)]
        notes = [] if rows else ["Nothing: all use of the span is in this report."]
        told.append(Section("Left out by this choice", notes, ("~meter", f">{METERS_UNIT}", ">records"), rows))
    for plan in report.plans.values():
        told += _of_plan(report, plan)
    told += _on_no_plan(report)
    told.append(Section("By meter", [], ("~meter", f">{METERS_UNIT}", ">records"), _by_meter(report.cells)))
    if late := [cell for cell in report.cells if cell.kind is not UseKind.REPORTED]:
        rows = [
            (one.kind.value, str(one.belongs_to), str(one.month), one.meter, shown)
            for one, shown in zip(late, align([one.quantity for one in late]), strict=True)
        ]
        headings = ("", "of month", "counts in", "~meter", f">{METERS_UNIT}")
        told.append(Section("Late and corrected", ["Included above."], headings, rows))
    told.append(Section("Not in this report", [f"{', '.join(report.not_in_it)}: azlic report YYYY-MM has them."]))
    open_, others = open_counts(report.quality), other_counts(report.quality)
    counts = [(f"{count:,}", what) for count, what in (*open_, *others)]
    note = "Look into this before you rely on the numbers." if open_ else "Nothing was excluded from these numbers."
    meters = [f"On no plan: {meter}" for meter in report.quality.unmapped_meters]
    told.append(Section("Quality", [note, *meters], (">", "") if counts else (), counts))
    return told


def choice_words(report: SpanReport) -> str:
    """What the report is narrowed to; empty for one of all use."""
    choice = report.choice
    named = (("site", choice.sites), ("plan", choice.plans), ("container", choice.containers))
    return "; ".join(f"{what} {', '.join(name or 'here' for name in names)}" for what, names in named if names)


def span_title(report: SpanReport) -> str:
    """The title, which says of a partial report that it is one."""
    words = choice_words(report)
    return f"Usage report {report.span.name}{f', only {words}' if words else ''}"


def _opening(report: SpanReport) -> Section:
    span = report.span
    notes = [f"From {day(span.start)} up to, not including, {day(span.end)} (UTC), as of {iso(report.as_of)}."]
    if choice_words(report):
        notes.append("This is a part of the use. What is left out stands below.")
    if report.closed:
        notes.append(f"Closed: {'; '.join(_closed_words(report.closed))}.")
    return Section(span_title(report), notes)


def _closed_words(closed: Mapping[Month, Month]) -> Iterator[str]:
    """The months that somebody closed, each with those before it that were closed with it."""
    for closing in sorted(set(closed.values())):
        others = [str(month) for month, known in closed.items() if known == closing != month]
        yield f"{closing}, and {', '.join(others)} closed with it" if others else str(closing)


def _of_plan(report: SpanReport, plan: Plan) -> list[Section]:
    cells, unit = report.of_plan(plan), plan.unit
    periods = [one for one in report.periods if one.plan.identity == plan.identity]
    told = [_periods(plan, periods)]
    if names := report.called.get(plan.identity):
        told[0].notes.insert(0, f"Called {', '.join(names)} in closed months.")
    rows: list[Sequence[str]]
    months = report.span.months
    shown = parts_for_people(sum(cell.drawn for cell in cells if cell.month == month) for month in months)
    together = used_for_people(sum(cell.drawn for cell in cells))
    rows = list(zip((*map(str, months), "together"), align([*shown, together]), strict=True))
    told.append(Section("", [], ("month", f">{unit}"), rows))
    for meter in sorted({cell.meter for cell in cells}):
        mine = [cell for cell in cells if cell.meter == meter]
        units = {unit_of(cell.share, unit) for cell in mine if cell.share}
        own = f">{' and '.join(sorted(units))}"
        if units == {unit}:
            told.append(_meter_section(meter, own, mine))
        else:
            headings = ("~site", "~container", own, f">{unit}", ">records")
            told.append(Section("", [meter], headings, _by_container(mine)))
        if rules := rule_words(rule for cell in mine for rule in cell.rules):
            told[-1].notes.append(f"Given to this plan {rules}.")
    return told + _subtotals(cells, unit)


def _subtotals(cells: Sequence[Cell], unit: str = "") -> list[Section]:
    """The subtotals worth telling; without a plan's unit they are in the meter's."""
    return [
        Section(
            "",
            [],
            (f"~by {by}", f">{unit or METERS_UNIT}", ">records"),
            [
                (row.title, shown, f"{row.exact.records:,}")
                for row, shown in zip(rows, align([row.shown[0] for row in rows]), strict=True)
            ],
        )
        for by, rows in subtotal_tables(subtotals_of(cells), converted=bool(unit))
    ]


def _periods(plan: Plan, periods: Sequence[SpanPeriod]) -> Section:
    stand = [
        (one.committed, used_for_people(one.used), _rest(one.committed - one.used), percent(one.used, one.committed))
        for one in periods
        if one.committed is not None and one.used is not None
    ]
    shown = iter(align([micro for *amounts, _ in stand for micro in amounts]))
    told = iter([(next(shown), next(shown), next(shown), f"{part:,}") for *_, part in stand])
    rows = [
        (day(one.starts_at), day(one.ends_at), *(("-",) * 4 if one.used is None else next(told))) for one in periods
    ]
    headings = ("period from", "up to", f">{plan.unit} committed", ">used", ">remaining", ">% used")
    notes = [
        f"Used up to {day(one.counted_until)}." if one.counted_until > one.starts_at else "It has not begun."
        for one in periods[-1:]
        if one.used is not None
    ]
    return Section(f"Plan {plan.title}", notes, headings, rows)


def _rest(left: int) -> int:
    """What is left of a commitment, or how far below nothing, as people are shown it."""
    return left_for_people(left) if left >= 0 else -used_for_people(-left)


def _on_no_plan(report: SpanReport) -> list[Section]:
    cells = report.of_plan(None)
    told: list[Section] = []
    for meter in sorted({cell.meter for cell in cells}):
        mine = [cell for cell in cells if cell.meter == meter]
        told.append(_meter_section(meter, f">{METERS_UNIT}", mine)._replace(title="" if told else "On no plan"))
        if undecided := [cell for cell in mine if cell.undecided]:
            names = ", ".join(undecided[-1].undecided)
            told[-1].notes.append(f"{_quantity(undecided)} of it undecided: no rule says which of {names} takes it.")
        told += _subtotals(mine)
    return told


def _meter_section(meter: str, own: str, cells: Sequence[Cell]) -> Section:
    """What containers used of a meter, in its own unit alone."""
    rows = [(*place, quantity, records) for *place, quantity, _, records in _by_container(cells)]
    return Section("", [meter], ("~site", "~container", own, ">records"), rows)


def _by_container(cells: Sequence[Cell]) -> list[tuple[str, str, str, str, str]]:
    places = sorted({(cell.site, cell.container_id) for cell in cells})
    of = {place: [cell for cell in cells if (cell.site, cell.container_id) == place] for place in places}
    shown = parts_for_people(sum(cell.drawn for cell in mine) for mine in of.values())
    return [
        (site or "-", container, own, drawn, _records(mine))
        for ((site, container), mine), own, drawn in zip(
            of.items(), _quantities(of.values()), align(shown), strict=True
        )
    ]


def _by_meter(cells: Sequence[Cell]) -> list[tuple[str, str, str]]:
    meters = sorted({cell.meter for cell in cells})
    of = {meter: [cell for cell in cells if cell.meter == meter] for meter in meters}
    shown = _quantities(of.values())
    return [(meter, quantity, _records(mine)) for (meter, mine), quantity in zip(of.items(), shown, strict=True)]


def _quantities(several: Iterable[Iterable[Cell]]) -> list[str]:
    """The sums of a column."""
    return align([sum(cell.quantity for cell in cells) for cells in several])


def _quantity(cells: Iterable[Cell]) -> str:
    return group_digits(sum(cell.quantity for cell in cells))


def _records(cells: Iterable[Cell]) -> str:
    return f"{sum(cell.records for cell in cells):,}"


def span_text(report: SpanReport) -> str:
    """The report for people, 80 columns wide."""
    parts: list[RenderableType] = []
    for one in sections(report):
        parts += [Text(one.title, style="bold")] if one.title else []
        parts += [Text("\n".join(wrap(note, "  ", "  "))) for note in one.notes]
        if one.rows:
            table = columns(*one.headings)
            for row in one.rows:
                table.add_row(*row)
            parts.append(indent(table))
        parts.append(Text())
    return render_text(parts[:-1])


def span_markdown(report: SpanReport) -> str:
    """The report as Markdown."""
    parts = []
    for number, one in enumerate(sections(report)):
        parts += [f"{'##' if number else '#'} {cell_text(one.title)}"] if one.title else []
        parts += [cell_text(note) for note in one.notes]
        parts += [markdown_table([name.removeprefix("~") for name in one.headings], one.rows)] if one.rows else []
    return "\n\n".join(parts)


SPAN_COLUMNS = (
    "report",
    "kind",
    "plan",
    "period_from",
    "period_until",
    "month",
    "belongs_to",
    "site",
    "container_type",
    "container_id",
    "meter",
    "quantity",
    "unit",
    "plan_quantity",
    "plan_unit",
    "records",
    "committed",
    "used",
    "remaining",
    "overage",
    "resource",
    "rule",
    "account",
    "undecided",
)


def span_csv(report: SpanReport) -> str:
    """A line for each plan's period (kind ``plan``), each smallest sum, and what is left out (kind ``left-out``).

    ``report`` is the span with the choice. ``quantity`` adds up to the report's use without the lines of ``left-out``.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, SPAN_COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    name = span_title(report).removeprefix("Usage report ")
    for line in [*map(_period_line, report.periods), *map(_cell_line, report.cells)]:
        writer.writerow({key: harmless(value) for key, value in ({"report": name} | line).items()})
    for one in report.left_out:
        amounts = {"quantity": from_micro(one.quantity), "unit": METERS_UNIT, "records": one.records}
        labels: dict[str, object] = {"report": name, "kind": "left-out", "meter": one.meter}
        writer.writerow({key: harmless(value) for key, value in (labels | amounts).items()})
    return text.getvalue().rstrip("\n")


def _period_line(one: SpanPeriod) -> dict[str, object]:
    line: dict[str, object] = {"kind": "plan", "plan": one.plan.name, "plan_unit": one.plan.unit}
    line |= {"account": one.plan.account or ""}
    return line | {"period_from": day(one.starts_at), "period_until": day(one.ends_at)} | _standing(one)


def _standing(one: SpanPeriod) -> dict[str, object]:
    if one.committed is None or one.used is None:
        return {}
    left = one.committed - one.used
    amounts = {"committed": one.committed, "used": one.used, "remaining": left, "overage": max(0, -left)}
    return {name: from_micro(micro) for name, micro in amounts.items()}


def _cell_line(cell: Cell) -> dict[str, object]:
    labels = ("site", "container_type", "container_id", "meter", "records")
    line: dict[str, object] = {name: getattr(cell, name) for name in labels}
    line |= {"resource": cell.resource, "rule": rules_cell(cell.rules), "undecided": undecided_cell(cell.undecided)}
    line |= {"kind": cell.kind.value, "month": str(cell.month), "belongs_to": str(cell.belongs_to)}
    line |= {"quantity": from_micro(cell.quantity), "unit": METERS_UNIT}
    if cell.plan is not None and cell.share is not None:
        line |= {
            "plan": cell.plan.name,
            "account": cell.plan.account or "",
            "unit": unit_of(cell.share, cell.plan.unit),
        }
        line |= {"plan_quantity": from_micro(cell.drawn), "plan_unit": cell.plan.unit}
    return line


def _fields(report: SpanReport) -> object:
    """``partial`` says that names were chosen; ``remaining`` and the rest of a period are of the whole plan."""
    choice = report.choice
    on_none = report.of_plan(None)
    unmapped = {
        meter: [one for one in on_none if one.meter == meter] for meter in sorted({one.meter for one in on_none})
    }
    return {
        "report": report.span.name,
        "from": report.span.start.date(),
        "to": report.span.end.date(),
        "as_of": report.as_of,
        "partial": bool(choice_words(report)),
        "only": {"sites": choice.sites, "plans": choice.plans, "containers": choice.containers},
        "left_out": [
            {"meter": one.meter, "quantity": from_micro(one.quantity), "records": one.records}
            for one in report.left_out
        ],
        "not_in_it": report.not_in_it,
        "closed": list(report.closed),
        "closed_with": report.closed,
        "plans": [_plan_fields(report, plan) for plan in report.plans.values()],
        "meters": _sums(report.cells, lambda cell: {"meter": cell.meter}),
        "containers": _sums(
            report.cells,
            lambda cell: {"site": cell.site, "container_id": cell.container_id, "meter": cell.meter},
        ),
        "unmapped_subtotals": [
            {"meter": meter, **subtotals_fields(subtotals_of(mine), ("quantity",))} for meter, mine in unmapped.items()
        ],
        "uses": [_cell_line(cell) | _no_unit(cell) | _origin(cell) for cell in report.cells],
        "quality": report.quality._asdict()
        | {"clean": report.quality.clean, "counted_ahead": counted_ahead_fields(report.quality.counted_ahead)},
    }


def _origin(cell: Cell) -> dict[str, object]:
    return {"resource": cell.resource or None, **rule_fields(cell.rules)}


def _no_unit(cell: Cell) -> dict[str, object]:
    return {"plan": None, "unit": None, "undecided": cell.undecided} if cell.plan is None else {}


def _plan_fields(report: SpanReport, plan: Plan) -> object:
    cells = report.of_plan(plan)
    drawn = {str(month): sum(cell.drawn for cell in cells if cell.month == month) for month in report.span.months}
    periods = [one for one in report.periods if one.plan.identity == plan.identity]
    return {
        "plan": plan.name,
        "account": plan.account,
        "arm_id": plan.arm_id,
        "called": report.called.get(plan.identity, []),
        "unit": plan.unit,
        "quantity": from_micro(sum(drawn.values())),
        "months": [{"month": month, "quantity": from_micro(micro)} for month, micro in drawn.items()],
        "periods": [
            {"starts_at": one.starts_at, "ends_at": one.ends_at, "counted_until": one.counted_until}
            | (_standing(one) or dict.fromkeys(("committed", "used", "remaining", "overage")))
            for one in periods
        ],
        "subtotals": subtotals_fields(subtotals_of(cells), ("quantity",)),
    }


def _sums(cells: Iterable[Cell], named: Callable[[Cell], dict[str, str]]) -> list[object]:
    sums: dict[tuple[tuple[str, str], ...], list[int]] = {}
    for cell in cells:
        known = sums.setdefault(tuple(named(cell).items()), [0, 0])
        known[0] += cell.quantity
        known[1] += cell.records
    return [
        dict(key) | {"quantity": from_micro(quantity), "records": records}
        for key, (quantity, records) in sorted(sums.items())
    ]


SPAN_REPORT = Answer("azlic.span-report/v1", span_text, _fields)
