"""The formats of a report say the same: each is added up and held against the ledger's own sums."""

import csv
import io
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import ROUND_FLOOR, Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from pypdfium2 import PdfDocument

from azlic.monitoring.metrics import metrics_text
from azlic.render.report.csv import report_csv
from azlic.render.report.json import REPORT
from azlic.render.report.markdown import report_markdown
from azlic.render.report.table import report_text
from azlic.web.pages.report import report_html, report_view
from azlic.web.pdf import report_pdf
from licensing.db.database import reading
from licensing.verdict.seen import Seen
from licensing.verdict.verdict import Verdict
from tests.azlic.monitoring.prometheus import parsed
from tests.site import METER, Site
from tests.usage.months import Months
from tests.usage.rich import MINUTES, SECONDS, STRAY, ledgers_own, rich
from usage.alerts.gather.state import site_state
from usage.ledger.checkpoints import ledger_head
from usage.months import Month
from usage.quantity import MICRO, group_digits
from usage.reporting.burndown import burn_downs
from usage.reporting.plan_usage import PlanUsage
from usage.reporting.report import MonthlyReport, monthly_report

PER = {METER: 1, SECONDS: 3600, MINUTES: 60}
HUNDREDTH = Decimal("0.01")
APRIL = "2026-04"
Sums = dict[str, Decimal]


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Months]:
    site = Site(tmp_path_factory.mktemp("rich"))
    yield rich(site)
    site.close()


@pytest.fixture(scope="module")
def report(ledger: Months) -> MonthlyReport:
    return ledger.site.report(APRIL)


@pytest.fixture(scope="module")
def page(ledger: Months, report: MonthlyReport) -> str:
    with reading(ledger.ledger) as connection:
        found = monthly_report(connection, Month.parse(APRIL), as_of=ledger.site.now)
        return report_html(report_view(found, burn_downs(connection, found), ledger_head(connection)))


@pytest.fixture(scope="module")
def own(ledger: Months) -> Sums:
    """What the ledger says April used, by meter, in the meter's unit."""
    return {meter: Decimal(micro) / MICRO for meter, micro in ledgers_own(ledger, APRIL).items()}


def number(text: str) -> Decimal:
    return Decimal(text.replace(",", "").replace("\u2212", "-"))


def hours(own: Sums) -> Decimal:
    """What it comes to in hours, to the millionth below."""
    return sum((own[meter] * MICRO // PER[meter] / MICRO for meter in (SECONDS, MINUTES)), Decimal())


def test_json(own: Sums, report: MonthlyReport) -> None:
    fields = json.loads(REPORT.json(report), parse_float=Decimal)
    rows = [row for plan in fields["plans"] for row in plan["usages"]] + fields["unmapped"]
    assert added(rows, "meter", "month") == own
    plans = {plan["plan"]["name"]: plan for plan in fields["plans"]}
    assert (plans["read-2026"]["month"], plans["speech"]["month"]) == (own[METER], hours(own))
    for plan in plans.values():
        assert plan["unit"] == plan["plan"]["unit"]
        for span, whole in (("month", "month"), ("period", "used"), ("year_to_date", "year_to_date")):
            assert sum(row["in_plan_units"][span] for row in plan["usages"]) == plan[whole]
        assert sum(bar["quantity"] for bar in plan["history"] if bar["month"][:4] == "2026") == plan["year_to_date"]
    units = {(row["meter"], row["unit"]) for plan in plans.values() for row in plan["usages"]}
    assert units == {(METER, "Transaction"), (SECONDS, "1/3600 Hour"), (MINUTES, "1/60 Hour")}
    assert {row["unit"] for row in fields["unmapped"]} == {None}
    for plan in plans.values():
        for sums in plan["subtotals"].values():
            for span, whole in (("month", "month"), ("period", "used"), ("year_to_date", "year_to_date")):
                assert sum(one[span] for one in sums) == plan[whole]
    sites = {(row["site"], row["month"]) for row in plans["read-2026"]["subtotals"]["sites"]}
    assert sites == {("", own[METER] - 1000), ("north", 1000)}
    assert {row["resource"] for row in plans["read-2026"]["subtotals"]["resources"]} == {None}
    on_none = fields["unmapped_subtotals"]
    for by in ("sites", "resources"):
        told = {one["meter"]: sum(row["month"] for row in one[by]) for one in on_none}
        assert told == added(fields["unmapped"], "meter", "month")


def test_every_use_of_twelve_months_is_in_one_bar(ledger: Months, report: MonthlyReport) -> None:
    fields = json.loads(REPORT.json(report), parse_float=Decimal)
    bars: Sums = defaultdict(Decimal)
    for plan in [*fields["plans"], *fields["other_plans_history"]]:
        for bar in plan["history"]:
            bars[f"{bar['month']} {plan['unit']}"] += bar["quantity"]
    for months in fields["unmapped_history"].values():
        for bar in months:
            bars[f"{bar['month']} on no plan"] += bar["quantity"]
    for month in ("2025-11", "2026-01", "2026-02", "2026-03", APRIL):
        own = {meter: Decimal(micro) / MICRO for meter, micro in ledgers_own(ledger, month).items()}
        covered = month in ("2026-02", "2026-03", APRIL)
        assert bars[f"{month} Transaction"] == own[METER]
        assert abs(bars[f"{month} Hour"] - (hours(own) if covered else 0)) <= Decimal("0.000002")
        assert bars[f"{month} on no plan"] == own[STRAY] + (0 if covered else own[SECONDS] + own[MINUTES])


def test_csv(own: Sums, report: MonthlyReport) -> None:
    rows = list(csv.DictReader(io.StringIO(report_csv(report))))
    assert added(rows, "meter", "quantity") == {"": 0} | own
    for plan, fields in figures(report).items():
        mine = [row for row in rows if row["plan"] == plan]
        for column in ("committed", "used", "remaining", "overage"):
            assert added(mine, "plan", column) == {plan: fields[column]}
        assert added(mine, "plan", "plan_quantity") == {plan: fields["month"]}
        assert added(mine, "plan", "plan_period_to_date") == {plan: fields["used"]}
        assert added(mine, "plan", "plan_year_to_date") == {plan: fields["year_to_date"]}
        assert added(mine, "plan", "site_month") == {plan: fields["month"]}
        assert added(mine, "plan", "site_period_to_date") == {plan: fields["used"]}
        assert added(mine, "plan", "site_year_to_date") == {plan: fields["year_to_date"]}
    on_none = [row for row in rows if not row["plan"]]
    assert added(on_none, "meter", "site_month") == added(on_none, "meter", "quantity")
    assert added(on_none, "meter", "site_year_to_date") == added(on_none, "meter", "year_to_date")
    assert all(bool(row[unit]) for row in rows for quantity, unit in UNITS if row[quantity])
    units = {(row["meter"], row["unit"], row["plan_unit"]) for row in rows if row["plan"] and row["meter"]}
    assert units == {
        (METER, "Transaction", "Transaction"),
        (SECONDS, "1/3600 Hour", "Hour"),
        (MINUTES, "1/60 Hour", "Hour"),
    }


UNITS = [
    *((column, "unit") for column in ("quantity", "year_to_date", "period_to_date")),
    *((f"plan_{column}", "plan_unit") for column in ("quantity", "year_to_date", "period_to_date")),
    *((column, "plan_unit") for column in ("committed", "used", "remaining", "overage")),
]


def test_markdown(own: Sums, report: MonthlyReport) -> None:
    tables = [list(table_rows(block)) for block in report_markdown(report).split("\n\n") if block.startswith("|")]
    of_use = [row for table in tables for row in table if "meter" in row and "unit" in row]
    assert added(of_use, "meter", "month") == own
    (speech,) = [table for table in tables if "month in Hour" in table[0]]
    (bars,) = [table for table in tables if "month" in table[0] and "meter" not in table[0]]
    standing = [{row[kind]: row for row in table} for table in tables if "" in table[0] for kind in list(table[0])[:1]]
    for usage, figures in zip(report.plans, standing, strict=True):
        unit, title = usage.plan.unit, f"Plan {usage.plan.name} ({usage.plan.unit})"
        for name, micro in shown(usage).items():
            assert (number(figures[name][""]), figures[name]["unit"]) == (micro, unit), name
        year = sum(number(row[title]) for row in bars if row["month"].startswith("2026"))
        assert year == number(figures["year to date"][""])
        if unit == "Hour":
            assert sum(number(row["month in Hour"]) for row in speech) == number(figures["in the month"][""])
            assert sum(number(row["period in Hour"]) for row in speech) == number(figures["used"][""])
    by_site = [table for table in tables if "by site" in table[0]]
    for figures, subtotals in zip(standing, by_site, strict=False):
        for column, name in (("in the month",) * 2, ("in the period", "used"), ("year to date",) * 2):
            assert sum(number(row[column]) for row in subtotals) == number(figures[name][""])
    assert len(by_site) == len(standing) + len({row["meter"] for row in of_use if row["unit"] == "meter's unit"})


def test_table(own: Sums, report: MonthlyReport) -> None:
    lines = report_text(report).splitlines()
    assert max(map(len, lines)) <= 80
    first = lines.index("Twelve months")
    used: Sums = defaultdict(Decimal)
    meter = ""
    for line in lines[: next(n for n, line in enumerate(lines) if line.startswith("Late and corrected"))]:
        meter = line.strip() if line.strip() in own else meter
        if found := re.fullmatch(r"    \S+ +\w+ +(-?[\d,.]+) +[\d,]+ +[\d,.]+ +20\S+ \S+", line):
            used[meter] += number(found[1])
    assert dict(used) == own
    for usage in report.plans:
        block = lines[lines.index(f"Plan {usage.plan.name}: {usage.plan.plan_type} T1 x 1") :]
        assert block[1].strip() == usage.plan.unit
        figures = {line[2:16].strip(): number(line[14:].split()[0]) for line in block[2:7]}
        assert {name: figures[name] for name in ("committed", "used", "remaining")} == {
            name: micro for name, micro in shown(usage).items() if name in ("committed", "used", "remaining")
        }
        (start,) = (n for n, line in enumerate(block) if line.startswith(f"  by site, in {usage.plan.unit} "))
        here, north = ([number(text) for text in line.split()[1:4]] for line in block[start + 1 : start + 3])
        in_month = next(number(line[14:].split()[0]) for line in block if line.startswith(f"  in {APRIL}"))
        together = [one + other for one, other in zip(here, north, strict=True)]
        assert together == [in_month, figures["used"], figures["year to date"]]
        bars = lines[lines.index(f"  Plan {usage.plan.name}", first) + 2 :][:12]
        assert sum(number(line.split()[1]) for line in bars if line.startswith("  2026")) == figures["year to date"]


def shown(usage: PlanUsage) -> Sums:
    """A plan's figures as people are shown them, from the exact ones."""
    exact = {"committed": usage.committed, "used": usage.used, "in the month": usage.month}
    exact |= {"year to date": usage.year_to_date}
    rounded = {name: (Decimal(micro) / MICRO).quantize(HUNDREDTH, ROUND_FLOOR) for name, micro in exact.items()}
    return rounded | {"remaining": rounded["committed"] - rounded["used"]}


def test_page(own: Sums, report: MonthlyReport, page: str) -> None:
    found = Numbers(page)
    used = {meter: sum(found.rows[meter], Decimal()) for meter in found.rows}
    assert used == own
    for plan, fields in figures(report).items():
        shown = found.plans[plan]
        for name in ("committed", "used", "month", "year_to_date"):
            assert shown[name] == fields[name]
        for column, name in ((APRIL, "month"), ("period", "used"), ("year to date", "year_to_date")):
            assert sum(found.subtotals[plan, f"site-{column}"]) == fields[name]


def test_pdf(report: MonthlyReport, page: str) -> None:
    text = "".join(sheet.get_textpage().get_text_range() for sheet in PdfDocument(report_pdf(page)))
    flat = " ".join(text.split())
    for usage in report.plans:
        for micro in shown(usage).values():
            told = f"{micro:,}".rstrip("0").rstrip(".") if micro % 1 else f"{micro:,.0f}"
            assert f"{told} {usage.plan.unit}" in flat
        for row in usage.usages:
            assert f"{group_digits(row.month)}" in flat and f"{group_digits(row.period)}" in flat


def test_metrics(ledger: Months, report: MonthlyReport) -> None:
    state = site_state(
        (), unasked, trust=ledger.site.trust, database=ledger.site.database, now=ledger.site.now, with_use=True
    )
    samples = parsed(metrics_text(state, ()).decode())
    ever: dict[str, float] = defaultdict(float)
    of_meters: dict[str, float] = defaultdict(float)
    found: dict[tuple[str, str], float] = {}
    for (name, pairs), value in samples.items():
        labels = dict(pairs)
        if name == "azlic_usage_units":
            ever[labels["meter"]] += value
        elif name == "azlic_commitment_meter_used_quantity":
            of_meters[labels["plan"]] += value
        elif name.startswith("azlic_commitment_") and "unit" in labels:
            found[labels["plan"], name] = value
    own: Counter[str] = Counter()
    for month in ("2025-11", "2026-01", "2026-02", "2026-03", APRIL):
        own.update(ledgers_own(ledger, month))
    assert ever == pytest.approx({meter: micro / MICRO for meter, micro in own.items()})
    for usage in report.plans:
        plan = usage.plan.name
        assert found[plan, "azlic_commitment_used_quantity"] == usage.used / MICRO
        assert found[plan, "azlic_commitment_quantity"] == usage.committed / MICRO
        assert found[plan, "azlic_commitment_used_ratio"] == float(usage.percent / 100)
        assert of_meters[plan] == pytest.approx(usage.used / MICRO)


def unasked(_: Path, __: Seen) -> Verdict:
    raise AssertionError("no license was named")


def figures(report: MonthlyReport) -> dict[str, dict[str, Decimal]]:
    """A plan's own figures, by its name."""
    return {
        usage.plan.name: {
            "committed": Decimal(usage.committed) / MICRO,
            "used": Decimal(usage.used) / MICRO,
            "remaining": Decimal(usage.remaining) / MICRO,
            "overage": Decimal(max(0, -usage.remaining)) / MICRO,
            "month": Decimal(usage.month) / MICRO,
            "year_to_date": Decimal(usage.year_to_date) / MICRO,
        }
        for usage in report.plans
    }


def added(rows: list[dict[str, Any]], by: str, column: str) -> Sums:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        sums[row[by].replace("\\", "")] += number(str(row[column] or 0))
    return dict(sums)


def table_rows(table: str) -> Iterator[dict[str, str]]:
    lines = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()]
    for line in lines[2:]:
        yield dict(zip(lines[0], line, strict=True))


class Numbers(HTMLParser):
    """The exact numbers of a page: the month's of each meter's rows, and each plan's figures."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: dict[str, list[Decimal]] = defaultdict(list)
        self.plans: dict[str, dict[str, Decimal]] = defaultdict(dict)
        self.subtotals: dict[tuple[str, str], list[Decimal]] = defaultdict(list)
        self.plan = self.meter = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        fields = {name: value or "" for name, value in attrs}
        if tag == "section":
            self.plan = fields.get("data-plan", "")
        if tag == "tr":
            self.meter = fields.get("data-meter", "")
        if tag == "data" and (name := fields.get("data-field")):
            if self.meter and name == "month":
                self.rows[self.meter].append(Decimal(fields["value"]))
            elif self.plan and not self.meter:
                self.subtotals[self.plan, name].append(Decimal(fields["value"]))
                self.plans[self.plan].setdefault(name, Decimal(fields["value"]))

    def handle_endtag(self, tag: str) -> None:
        if tag == "tr":
            self.meter = ""
